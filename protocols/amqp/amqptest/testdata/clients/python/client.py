#!/usr/bin/env python3
"""Drives qpid-proton's Python binding against a broker; see ../README.md."""
import argparse
import sys
import uuid

from proton import (ConnectionException, Delivery, Disposition, Message, SSLDomain, byte, char, decimal32, decimal64, decimal128, float32, int32,
                    short, symbol, timestamp, ubyte, uint, ulong, ushort, Described, UNDESCRIBED, Array, Data, Link, Terminus)
from proton.handlers import MessagingHandler, TransactionHandler
from proton.reactor import (AtMostOnce, Container, Copy, DurableSubscription, Filter, LinkOption, ReceiverOption, Selector, SenderOption)
from proton.utils import BlockingConnection, LinkDetached, SendException

PATIENCE = 20


class Named(LinkOption):
    """Gives termini capabilities."""

    def __init__(self, *capabilities):
        self.capabilities = capabilities

    def apply(self, link):
        end = link.source if link.is_receiver else link.target
        end.capabilities.put_array(False, Data.SYMBOL)
        end.capabilities.enter()
        for c in self.capabilities:
            end.capabilities.put_symbol(c)
        end.capabilities.exit()


class NoLocal(Filter):
    def __init__(self):
        super().__init__({symbol("no-local"): Described(ulong(0x0000468C00000003), [])})


class Mode(LinkOption):
    def __init__(self, snd=None, rcv=None):
        self.snd, self.rcv = snd, rcv

    def apply(self, link):
        if self.snd is not None:
            link.snd_settle_mode = self.snd
        if self.rcv is not None:
            link.rcv_settle_mode = self.rcv


class Guarded(MessagingHandler):
    """Ends when its time is over, or at an error."""

    def on_start(self, event):
        event.container.schedule(PATIENCE, self)
        self.begin(event)

    def on_timer_task(self, event):
        event.container.stop()

    def on_connection_closed(self, event):
        event.container.stop()

    def fail(self, event, end):
        print("FAIL no error: %s" % end.remote_condition, flush=True)
        event.container.stop()

    def on_connection_error(self, event):
        self.fail(event, event.connection)

    def on_session_error(self, event):
        self.fail(event, event.session)

    def on_link_error(self, event):
        self.fail(event, event.link)


class Driver:
    def __init__(self, args):
        self.args = args
        self.failed = False
        self.connections = []

    def check(self, what, ok, why=""):
        print("PASS " + what if ok else "FAIL %s: %s" % (what, why), flush=True)
        self.failed = self.failed or not ok

    def same(self, what, got, want):
        self.check(what, got == want, "got %r, want %r" % (got, want))

    def queue(self, suffix=""):
        return ("/queue/%s%s" if self.args.peer == "rabbitmq" else "queue://foreign.%s%s") % (self.args.name, suffix)

    def topic(self, suffix=""):
        return ("/topic/%s%s" if self.args.peer == "rabbitmq" else "topic://foreign.%s%s") % (self.args.name, suffix)

    def url(self):
        return "%s://%s:%s" % ("amqps" if self.args.ca else "amqp", self.args.host, self.args.port)

    def options(self):
        options = {"allowed_mechs": "ANONYMOUS"}
        if self.args.user:
            options = {"allowed_mechs": "PLAIN", "user": self.args.user, "password": self.args.password, }
        if self.args.ca:
            domain = SSLDomain(SSLDomain.MODE_CLIENT)
            domain.set_trusted_ca_db(self.args.ca)
            domain.set_peer_authentication(SSLDomain.VERIFY_PEER)
            if self.args.cert:
                domain.set_credentials(self.args.cert, self.args.key, None)
            options["ssl_domain"] = domain
        return options

    def connect(self, container=None, **options):
        all_options = dict(self.options(), **options)
        if container:
            c = Container()
            c.container_id = container
            all_options["container"] = c
        conn = BlockingConnection(self.url(), timeout=PATIENCE, **all_options)
        self.connections.append(conn)
        # The library names links by their address; here several links have the same.
        for kind in "sender", "receiver":
            setattr(conn, "create_" + kind, self.named(getattr(conn, "create_" + kind)))
        return conn

    def named(self, create):
        def wrapper(address, **options):
            options.setdefault("name", str(uuid.uuid4()))
            return create(address, **options)
        return wrapper

    def send(self, sender, *bodies, **fields):
        for body in bodies:
            sender.send(Message(body=body, durable=True, **fields), timeout=PATIENCE)

    def take(self, receiver):
        return receiver.receive(timeout=PATIENCE)

    def want(self, what, receiver, *bodies):
        got = []
        for _ in bodies:
            got.append(self.take(receiver).body)
            receiver.accept()
        self.same(what, got, list(bodies))

    def empty(self, what, receiver):
        try:
            m = receiver.receive(timeout=0.3)
            self.check(what, False, "got %r" % (m.body,))
        except Exception as e:
            self.check(what, "imed out" in str(e) or "Timeout" in type(e).__name__, repr(e))

    # commands

    def roundtrip(self):
        conn = self.connect()
        snd, rcv = conn.create_sender(self.queue()), conn.create_receiver(self.queue())
        self.send(snd, "one", "Grüße 😀", "")
        self.want("texts", rcv, "one", "Grüße 😀", "")
        self.send(snd, b"\x00\x01\xff", None, True, 7, 2.5, ["a", 1, None], {"k": "v", "n": 1})
        self.want("values", rcv, b"\x00\x01\xff", None, True, 7, 2.5, ["a", 1, None], {"k": "v", "n": 1})
        snd.send(Message(body=b"data", inferred=True), timeout=PATIENCE)
        m = self.take(rcv)
        self.same("data", (m.body, m.inferred), (b"data", True))
        rcv.accept()
        snd.close()
        rcv.close()
        conn.close()
        self.check("closed", True)

    def types(self):
        conn = self.connect()
        snd, rcv = conn.create_sender(self.queue()), conn.create_receiver(self.queue())
        values = {
            "null": None, "bool": True, "ubyte": ubyte(200), "ushort": ushort(60000), "uint": uint(4000000000), "ulong": ulong(1 << 63), "byte": byte(-5),
            "short": short(-5), "int": int32(-5), "long": -5, "float": float32(1.5), "double": 2.5, "char": char("é"), "timestamp": timestamp(1700000000123),
            "uuid": uuid.UUID(int=77), "binary": b"\x00\x01", "string": "ü", "symbol": symbol("s"),
            "decimal32": decimal32(1), "decimal64": decimal64(2), "decimal128": decimal128(b"0123456789abcdef"),
        }
        snd.send(Message(body="x", durable=True, properties=values), timeout=PATIENCE)
        got = self.take(rcv).properties
        rcv.accept()
        for name, value in values.items():
            self.same(name, (type(got.get(name)), got.get(name)), (type(value), value))
        for name, value in list(values.items()) + [
            ("array", Array(UNDESCRIBED, Data.INT, int32(1), int32(2))), ("described", Described(symbol("x:y"), ["a"])), ("nested", {"a": [{"b": [1, "c"]}]}),
        ]:
            snd.send(Message(body=value), timeout=PATIENCE)
            body = self.take(rcv).body
            rcv.accept()
            self.same("body " + name, repr(body), repr(value))

    def ids(self):
        conn = self.connect()
        snd, rcv = conn.create_sender(self.queue()), conn.create_receiver(self.queue())
        for value in ["text", "ID:jms:1", ulong(7), uuid.UUID(int=9), b"\x00\x01"]:
            snd.send(Message(id=value, correlation_id=value, body="x"), timeout=PATIENCE)
            m = self.take(rcv)
            rcv.accept()
            self.same("id %r" % (value,), (m.id, m.correlation_id), (value, value))

    def modes(self):
        conn = self.connect()
        snd = conn.create_sender(self.queue(), options=AtMostOnce())
        self.send(snd, "a", "b")
        rcv = conn.create_receiver(self.queue(), options=AtMostOnce())
        got = [self.take(rcv).body, self.take(rcv).body]
        self.same("settled", got, ["a", "b"])
        rcv.close()
        snd = conn.create_sender(self.queue(), options=Mode(snd=Link.SND_UNSETTLED))
        self.send(snd, "c")
        rcv = conn.create_receiver(self.queue(), options=Mode(snd=Link.SND_UNSETTLED, rcv=Link.RCV_SECOND))
        m = self.take(rcv)
        self.same("second", m.body, "c")
        rcv.accept()
        rcv.close()
        self.empty("nothing is left", conn.create_receiver(self.queue()))

    def outcomes(self):
        conn = self.connect()
        snd, rcv = conn.create_sender(self.queue()), conn.create_receiver(self.queue(), credit=1)
        self.send(snd, "a")
        m = self.take(rcv)
        self.same("first", (m.delivery_count, m.first_acquirer), (0, m.first_acquirer))
        rcv.release(delivered=False)
        m = self.take(rcv)
        self.same("released", (m.body, m.delivery_count), ("a", 0))
        d = rcv.fetcher.unsettled.popleft()
        d.local.failed = True
        d.update(Delivery.MODIFIED)
        d.settle()
        m = self.take(rcv)
        self.same("modified", (m.body, m.delivery_count, m.first_acquirer), ("a", 1, False))
        rcv.accept()
        dead = conn.create_receiver("queue://ActiveMQ.DLQ", options=Selector("k = '%s'" % self.args.name))
        snd.send(Message(body="poison", durable=True, properties={"k": self.args.name}), timeout=PATIENCE)
        self.take(rcv)
        rcv.reject()
        m = self.take(dead)
        self.same("rejected", m.body, "poison")
        dead.accept()

    def credit(self):
        driver = self

        class Handler(Guarded):
            def __init__(self):
                super().__init__(prefetch=0, auto_accept=True)
                self.got, self.drained, self.sent = [], 0, 0

            def begin(self, event):
                conn = driver.reactor_connection(event)
                self.sender = event.container.create_sender(conn, driver.queue())
                self.receiver = event.container.create_receiver(conn, driver.queue())

            def on_sendable(self, event):
                while self.sent < 5 and event.sender.credit:
                    event.sender.send(Message(body=self.sent, durable=True))
                    self.sent += 1

            def on_accepted(self, event):
                if event.link == self.sender and event.delivery.settled:
                    self.confirmed = getattr(self, "confirmed", 0) + 1
                    if self.confirmed == 5:
                        self.receiver.flow(2)

            def on_message(self, event):
                self.got.append(event.message.body)
                if len(self.got) == 2:
                    self.receiver.drain(10)
                if len(self.got) > 5:
                    event.connection.close()

            def on_link_flow(self, event):
                r = event.receiver
                if r and len(self.got) == 5 and r.drained() >= 0 and r.credit == 0:
                    self.drained += 1
                    event.connection.close()

        h = Handler()
        self.run(h)
        self.same("messages", h.got, [0, 1, 2, 3, 4])
        self.check("drained", h.drained >= 1, "no answer to the drain")

    def reactor_connection(self, event):
        options = self.options()
        return event.container.connect(self.url(), reconnect=False, **options)

    def run(self, handler):
        Container(handler).run()

    def tx(self):
        driver = self

        class Handler(Guarded, TransactionHandler):
            """Sends three in a transaction that it aborts, then three that it commits; then takes them in the same way."""

            def __init__(self):
                super().__init__(prefetch=0, auto_accept=False)
                self.log, self.got, self.step = [], [], 0

            def begin(self, event):
                self.container = event.container
                self.conn = driver.reactor_connection(event)
                self.sender = event.container.create_sender(self.conn, driver.queue())
                self.declare()

            def declare(self):
                self.container.declare_transaction(self.conn, handler=self)

            def on_transaction_declared(self, event):
                t = self.transaction = event.transaction
                self.step += 1
                self.pending = 0
                if self.step <= 2:
                    for i in range(3):
                        t.send(self.sender, Message(body="%d-%d" % (self.step, i), durable=True))
                    t.abort() if self.step == 1 else t.commit()
                elif self.step == 3:
                    self.receiver = self.container.create_receiver(self.conn, driver.queue())
                    self.receiver.flow(3)
                else:
                    self.receiver.flow(3)

            def on_message(self, event):
                self.got.append(event.message.body)
                self.transaction.accept(event.delivery)
                self.pending += 1
                if self.pending == 3:
                    self.transaction.abort() if self.step == 3 else self.transaction.commit()

            def on_transaction_aborted(self, event):
                self.log.append("aborted")
                if self.step == 3:  # the deliveries stay with this link: give them back
                    self.receiver.close()
                    self.receiver = self.container.create_receiver(self.conn, driver.queue(), name="again")
                self.declare()

            def on_transaction_committed(self, event):
                self.log.append("committed")
                if self.step == 4:
                    self.conn.close()
                else:
                    self.declare()

            def on_transaction_declare_failed(self, event):
                driver.check("declare", False, "failed")
                self.conn.close()

            def on_transaction_commit_failed(self, event):
                driver.check("commit", False, "failed")
                self.conn.close()

        h = Handler()
        self.run(h)
        self.same("discharges", h.log, ["aborted", "committed", "aborted", "committed"])
        self.same("messages", h.got, ["2-0", "2-1", "2-2"] * 2)
        conn = self.connect()
        self.empty("nothing is left", conn.create_receiver(self.queue()))

    def durable(self):
        client = "client-" + self.args.name
        conn = self.connect(client)
        rcv = conn.create_receiver(self.topic(), name="sub", options=DurableSubscription())
        snd = self.connect().create_sender(self.topic())
        self.send(snd, "1")
        self.want("while attached", rcv, "1")
        rcv.detach() if hasattr(rcv, "detach") else rcv.link.detach()
        conn.close()
        self.send(snd, "2", "3")
        conn = self.connect(client)
        rcv = conn.create_receiver(self.topic(), name="sub", options=DurableSubscription())
        self.want("while away", rcv, "2", "3")
        rcv.close()
        self.send(snd, "4")
        rcv = conn.create_receiver(self.topic(), name="sub", options=DurableSubscription())
        self.empty("closing ends it", rcv)
        rcv.close()

    def shared(self):
        conn = self.connect("client-" + self.args.name)
        one = conn.create_receiver(self.topic(), name="sub", credit=1, options=[DurableSubscription(), Named("topic", "shared")])
        two = conn.create_receiver(self.topic(), name="sub|2", credit=1, options=[DurableSubscription(), Named("topic", "shared")])
        snd = self.connect().create_sender(self.topic())
        self.send(snd, "1", "2")
        # The library gives more credit than it was asked for, so one consumer may get both.
        conn.wait(lambda: one.fetcher.has_message + two.fetcher.has_message == 2, timeout=PATIENCE, msg="both messages")
        got = []
        for rcv in one, two:
            while rcv.fetcher.has_message:
                got.append(rcv.fetcher.pop().body)
                rcv.accept()
        self.same("shared", sorted(got), ["1", "2"])
        one.close()
        two.close()

    def dynamic(self):
        client, service = self.connect(), self.connect()
        replies = client.create_receiver(None, dynamic=True)
        address = replies.link.remote_source.address
        self.check("address", bool(address), address)
        requests, work = client.create_sender(self.queue()), service.create_receiver(self.queue())
        requests.send(Message(body="ping", reply_to=address, id="r-1"), timeout=PATIENCE)
        m = self.take(work)
        self.same("reply-to", m.reply_to, address)
        answers = service.create_sender(m.reply_to)
        answers.send(Message(body="pong", correlation_id=m.id), timeout=PATIENCE)
        work.accept()
        m = self.take(replies)
        self.same("reply", (m.body, m.correlation_id), ("pong", "r-1"))
        replies.accept()

    def relay(self):
        conn = self.connect()
        snd = conn.create_sender(None)
        for suffix in ".a", ".b":
            snd.send(Message(body=suffix, address=self.queue(suffix)), timeout=PATIENCE)
            self.want("to " + suffix, conn.create_receiver(self.queue(suffix)), suffix)
        try:
            snd.send(Message(body="x"), timeout=PATIENCE)
            self.check("without an address", False, "it was accepted")
        except SendException as e:
            self.check("without an address", e.state == Delivery.REJECTED, repr(e))

    def browse(self):
        conn = self.connect()
        snd = conn.create_sender(self.queue())
        self.send(snd, "1", "2")
        rcv = conn.create_receiver(self.queue(), options=Copy())
        self.want("browsed", rcv, "1", "2")
        self.empty("once", rcv)
        rcv.close()
        self.want("still there", conn.create_receiver(self.queue()), "1", "2")

    def selector(self):
        conn = self.connect()
        snd = conn.create_sender(self.queue())
        for i in range(6):
            snd.send(Message(body=i, subject="even" if i % 2 == 0 else "odd", properties={"n": int32(i)}), timeout=PATIENCE)
        rcv = conn.create_receiver(self.queue(), options=Selector("JMSType = 'odd' AND n > 1"))
        self.want("selected", rcv, 3, 5)
        self.empty("no more", rcv)

    def nolocal(self):
        conn, other = self.connect(), self.connect()
        rcv = conn.create_receiver(self.topic(), options=NoLocal())
        self.send(conn.create_sender(self.topic()), "mine")
        self.send(other.create_sender(self.topic()), "theirs")
        self.want("only theirs", rcv, "theirs")

    def topic_command(self):
        conn = self.connect()
        one, two = conn.create_receiver(self.topic()), conn.create_receiver(self.topic())
        self.send(conn.create_sender(self.topic()), "a", "b")
        self.want("one", one, "a", "b")
        self.want("two", two, "a", "b")

    def big(self):
        conn = self.connect()
        snd, rcv = conn.create_sender(self.queue()), conn.create_receiver(self.queue())
        body = bytes(range(256)) * 4096 * 10
        self.send(snd, body)
        m = self.take(rcv)
        self.check("%d octets" % len(body), m.body == body, "got %d" % len(m.body))
        rcv.accept()

    def meta(self):
        conn = self.connect()
        snd, rcv = conn.create_sender(self.queue()), conn.create_receiver(self.queue())
        snd.send(Message(body="gone", expiry_time=1.0), timeout=PATIENCE)
        snd.send(Message(body="there", durable=True, priority=7, ttl=60, user_id=b"me", subject="s", reply_to="queue://r", content_type="text/x",
                         content_encoding="gzip", creation_time=1700000000, group_id="g", group_sequence=3, reply_to_group_id="rg"), timeout=PATIENCE)
        m = self.take(rcv)
        rcv.accept()
        self.same("header", (m.body, m.durable, m.priority, 0 < m.ttl <= 60), ("there", True, 7, True))
        self.same("properties", (m.user_id, m.subject, m.reply_to, m.content_type, m.content_encoding, m.creation_time), (b"me", "s", "queue://r", "text/x", "gzip", 1700000000))
        self.same("group", (m.group_id, m.group_sequence, m.reply_to_group_id), ("g", 3, "rg"))
        m = Message(body="x", annotations={symbol("x-opt-a"): "b"}, instructions={symbol("x-opt-i"): 1})
        snd.send(m, timeout=PATIENCE)
        m = self.take(rcv)
        rcv.accept()
        self.same("annotations", (m.annotations or {}).get(symbol("x-opt-a")), "b")
        self.same("delivery-annotations", (m.instructions or {}).get(symbol("x-opt-i")), None)

    def errors(self):
        conn = self.connect()
        try:
            conn.create_receiver(self.queue(), options=Selector("a = ("))
            self.check("bad selector", False, "it was taken")
        except LinkDetached as e:
            self.check("bad selector", "invalid-field" in str(e.condition), repr(e.condition))
        try:
            conn.create_sender("temp-queue://nowhere-" + self.args.name)
            self.check("no such node", False, "it was taken")
        except LinkDetached as e:
            self.check("no such node", bool(e.condition), repr(e.condition))
        snd = conn.create_sender(self.queue())
        self.send(snd, "alive")
        self.want("the session lives", conn.create_receiver(self.queue()), "alive")
        if self.args.user:
            try:
                conn.create_sender("queue://forbidden." + self.args.name)
                self.check("no right", False, "it was taken")
            except LinkDetached as e:
                self.check("no right", "unauthorized-access" in str(e.condition), repr(e.condition))

    def sasl(self):
        if not self.args.user:
            self.connect(allowed_mechs="ANONYMOUS")
            self.check("anonymous", True)
            return
        try:
            self.connect(password=self.args.password + "x")
            self.check("wrong password", False, "it was taken")
        except ConnectionException as e:
            self.check("wrong password", True, repr(e))
        if self.args.cert:
            conn = self.connect(allowed_mechs="EXTERNAL", user=None, password=None)
            self.send(conn.create_sender(self.queue()), "x")
            self.want("by certificate", conn.create_receiver(self.queue()), "x")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command")
    for name in "host", "port", "name", "peer", "user", "password", "ca", "cert", "key", "ws":
        parser.add_argument("--" + name)
    args = parser.parse_args()
    driver = Driver(args)
    command = {"topic": driver.topic_command}.get(args.command) or getattr(driver, args.command, None)
    if command is None or args.ws:
        print("SKIP %s: not with this library" % args.command)
        return 0
    try:
        command()
    except Exception as e:
        import traceback
        traceback.print_exc()
        driver.check(args.command, False, "%s: %s" % (type(e).__name__, e))
    for conn in driver.connections:
        try:
            conn.close()
        except Exception:
            pass
    return 1 if driver.failed else 0


if __name__ == "__main__":
    sys.exit(main())
