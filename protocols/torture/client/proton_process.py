"""Speaks AMQP 1.0 through qpid-proton for the load engine: see proton.go.

Commands come on the standard input, events go to the standard output: a line of JSON each, and behind it the octets of
a message, as many as its "n" says.
"""
import json
import logging
import os
import resource
import socket
import sys
import threading
import uuid
from collections import deque

from proton import Delivery, Endpoint, Handler, Link, Message
from proton.handlers import TransactionHandler
from proton.reactor import ApplicationEvent, AtMostOnce, Container, DurableSubscription, EventInjector, LinkOption

logging.disable(logging.CRITICAL)
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))  # a fault of this program must not take the machine with it
out = sys.stdout.buffer


def tell(event, body=b""):
    if body:
        event["n"] = len(body)
    out.write(json.dumps(event).encode() + b"\n" + body)


class Second(LinkOption):
    def apply(self, link):
        link.rcv_settle_mode = Link.RCV_SECOND


class Transacted(TransactionHandler):
    """One transaction."""

    def __init__(self, client, name):
        super().__init__()
        self.client, self.name, self.ack_count, self.token, self.ended = client, name, 0, None, False

    def on_transaction_declared(self, event):
        self.client.transactions[self.name] = (event.transaction, self)
        self.client.tell(e="begun", x=self.name)

    def on_transaction_declare_failed(self, event):
        self.client.lost("a transaction was not declared")

    def on_transaction_committed(self, event):
        self.over()

    def on_transaction_aborted(self, event):
        self.over()

    def on_transaction_commit_failed(self, event):
        self.client.tell(e="no", t=self.token, why="the commit failed: %s" % event.delivery.remote.condition)

    def over(self):
        self.ended = True
        self.client.room(self.ack_count)
        self.client.tell(e="ok", t=self.token)

    def forget(self):
        """Breaks a circle of references that holds the connection: a delivery's, to its transaction, and back."""
        t = self.transaction
        t._declare = t._discharge = t.txn_ctrl = None
        t._clear_pending()


class Client(Handler):
    """One connection, with at most one subscription. Commands are carried out in their order: a message that has no credit
    holds up those behind it, its transaction's commit among them."""

    def __init__(self, number, container, url, name, user, password):
        self.number, self.container = number, container
        self.todo, self.busy = deque(), True
        self.senders, self.held, self.transactions = {}, {}, {}
        self.receiver, self.prefetch, self.mode, self.freed, self.handles, self.over = None, 0, "", 0, 0, False
        self.txs, self.begun = 0, deque()
        options = {"user": user, "password": password, "allowed_mechs": "PLAIN"} if user else {"allowed_mechs": "ANONYMOUS"}
        self.conn = container.connect(url, handler=self, reconnect=False, **options)
        # The library gives all connections of a process one container id, by which links of the same name are the same link.
        self.conn.container = name or str(uuid.uuid4())

    def tell(self, body=b"", **event):
        if not self.over:
            event["c"] = self.number
            tell(event, body)

    def lost(self, why):
        self.tell(e="gone", why=str(why))
        clients.pop(self.number, None)
        self.cut()

    # what happens

    def on_connection_remote_open(self, event):
        if self.over:  # it was cut before there was a socket
            self.conn.close()
        self.busy = False
        self.tell(e="open")

    def on_link_remote_open(self, event):
        if event.link == self.receiver and event.link.remote_source.address:
            self.tell(e="attached")
            self.receiver.flow(self.prefetch)

    def on_link_flow(self, event):
        self.work()

    def on_link_remote_close(self, event):
        self.lost(event.link.remote_condition)

    def on_session_remote_close(self, event):
        self.lost(event.session.remote_condition)

    def on_connection_remote_close(self, event):
        if event.connection.state & Endpoint.LOCAL_CLOSED:
            self.tell(e="closed")
        self.lost(event.connection.remote_condition)

    def on_transport_closed(self, event):
        self.lost(event.transport.condition)
        self.container.schedule(0.1, self)

    def on_timer_task(self, event):
        """Gives back what the connection holds, bodies of messages among it, once the library is through with it: its objects
        refer to each other, where no collector looks."""
        conn, self.conn = self.conn, None
        if conn is None:
            return
        for handler in self.begun:
            handler.forget()
        for name in "senders", "held", "transactions", "todo", "begun":
            getattr(self, name).clear()
        self.receiver = None
        conn.handler = None
        for name in "_txn_ctrl", "_overrides", "_session_policy":
            if hasattr(conn, name):
                delattr(conn, name)
        conn.free()

    def on_delivery(self, event):
        d = event.delivery
        if d.link.is_sender:
            if d.settled:
                self.outcome(d)
        elif d.readable and not d.partial:
            self.message(d)
        elif d.updated and d.settled:
            token = getattr(d, "token", 0)
            d.settle()
            if token:
                self.tell(e="ok", t=token)

    def outcome(self, d):
        token = getattr(d, "token", 0)
        state, condition = d.remote_state, d.remote.condition
        if state == 0x34:  # in a transaction
            outcome = d.remote.data[1] if d.remote.data and len(d.remote.data) > 1 else None
            if outcome is not None and getattr(outcome, "descriptor", None) not in (0x24, "amqp:accepted:list"):
                self.tell(e="no", t=0, why=repr(outcome))
        elif state == Delivery.ACCEPTED:
            self.tell(e="ok", t=token)
        else:
            self.tell(e="no", t=token, why="%s %s" % (state, condition))
        d.settle()

    def message(self, d):
        m = Message()
        m.decode(d.link.recv(d.pending))
        d.link.advance()
        self.handles += 1
        if self.mode == "auto":
            d.settle()
            self.room(1)
        else:
            self.held[self.handles] = d
        self.tell(bytes(m.body or b""), e="message", h=self.handles, l=(m.properties or {}).get("torture", ""), r=not m.first_acquirer or m.delivery_count > 0)

    def room(self, n):
        """Gives credit for what is not held any more."""
        self.freed += n
        if self.receiver is not None and self.freed * 2 >= self.prefetch:
            self.receiver.flow(self.freed)
            self.freed = 0

    # what is asked for

    def work(self):
        while self.todo and not self.busy and not self.over:
            command, body = self.todo[0]
            if getattr(self, "do_" + command["do"])(command, body) is False:
                return
            self.todo.popleft()

    def sender(self, address):
        if address not in self.senders:
            self.senders[address] = self.container.create_sender(self.conn, address, name="to " + address)
        return self.senders[address]

    def do_send(self, command, body):
        link = self.sender(command["to"])
        if link.credit <= 0:
            return False
        m = Message(body=body, inferred=True, durable=command["p"], properties={"torture": command["l"]})
        if command["x"]:
            self.transactions[command["x"]][0].send(link, m)
            return
        d = link.send(m)
        if command["t"]:
            d.token = command["t"]
        else:
            d.settle()

    def do_subscribe(self, command, body):
        self.prefetch, self.mode = command["prefetch"], command["mode"]
        options = []
        if command["durable"]:
            options.append(DurableSubscription())
        if self.mode == "auto":
            options.append(AtMostOnce())
        if self.mode == "individual":
            options.append(Second())
        self.receiver = self.container.create_receiver(self.conn, command["from"], name=command["durable"] or "from " + command["from"], options=options)

    def do_ack(self, command, body):
        d = self.held.pop(command["h"])
        if command["x"]:
            transaction, handler = self.transactions[command["x"]]
            transaction.accept(d)
            handler.ack_count += 1
            return
        d.update(Delivery.ACCEPTED)
        if command["t"]:
            d.token = command["t"]
        else:
            d.settle()
        self.room(1)

    def do_begin(self, command, body):
        while self.begun and self.begun[0].ended:
            self.begun.popleft().forget()
        # Both of the library's ways to settle in a transaction.
        self.txs += 1
        handler = Transacted(self, command["x"])
        handler.transaction = self.container.declare_transaction(self.conn, handler=handler, settle_before_discharge=self.txs % 2 == 0)
        self.begun.append(handler)

    def do_commit(self, command, body):
        transaction, handler = self.transactions.pop(command["x"])
        handler.token = command["t"]
        transaction.commit()

    def do_abort(self, command, body):
        transaction, handler = self.transactions.pop(command["x"])
        handler.token = command["t"]
        transaction.abort()

    def do_close(self, command, body):
        self.conn.close()

    def cut(self):
        """Ends the connection without a word."""
        self.over = True
        transport = self.conn.transport if self.conn is not None else None
        selectable = getattr(transport, "_selectable", None) or getattr(transport, "_connect_selectable", None)
        try:
            if selectable is not None:
                selectable.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


clients = {}


class Commands(Handler):
    """Takes commands from the thread that reads them."""

    def __init__(self):
        self.lock, self.pending, self.injector = threading.Lock(), [], EventInjector()

    def on_reactor_init(self, event):
        self.container = event.reactor
        self.container.selectable(self.injector)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        source = sys.stdin.buffer
        while True:
            line = source.readline()
            if not line:
                os._exit(0)
            command = json.loads(line)
            body = source.read(command.get("n", 0))
            with self.lock:
                self.pending.append((command, body))
                if len(self.pending) > 1:
                    continue
            self.injector.trigger(ApplicationEvent("commands"))

    def on_commands(self, event):
        with self.lock:
            batch, self.pending = self.pending, []
        for command, body in batch:
            number = command["c"]
            client = clients.get(number)
            if command["do"] == "open":
                clients[number] = Client(number, self.container, command["url"], command["container"], command["user"], command["password"])
            elif client is None:
                continue
            elif command["do"] == "cut":
                clients.pop(number)
                client.cut()
            else:
                client.todo.append((command, body))
                client.work()

    def on_reactor_quiesced(self, event):
        out.flush()  # before it waits


Container(Commands()).run()
