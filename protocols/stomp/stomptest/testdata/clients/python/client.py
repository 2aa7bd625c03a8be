#!/usr/bin/env python3
"""Drives stomp.py against a broker; see ../README.md."""
import argparse
import queue
import ssl
import sys

import stomp

PATIENCE = 20


class Inbox(stomp.ConnectionListener):
    """Hands what the broker sends to whoever waits for it."""

    def __init__(self):
        self.connected = queue.Queue()
        self.messages = queue.Queue()
        self.receipts = queue.Queue()
        self.errors = queue.Queue()

    def on_connected(self, frame):
        self.connected.put(frame)

    def on_message(self, frame):
        self.messages.put(frame)

    def on_receipt(self, frame):
        self.receipts.put(frame.headers["receipt-id"])

    def on_error(self, frame):
        self.errors.put(frame)


class Driver:
    def __init__(self, args):
        self.args = args
        self.failed = False
        self.count = 0
        self.connections = []

    def check(self, what, ok, why=""):
        print("PASS " + what if ok else "FAIL %s: %s" % (what, why), flush=True)
        self.failed = self.failed or not ok

    def same(self, what, got, want):
        self.check(what, got == want, "got %r, want %r" % (got, want))

    def queue(self, suffix=""):
        return "/queue/foreign.%s%s" % (self.args.name, suffix)

    def topic(self, suffix=""):
        return "/topic/foreign.%s%s" % (self.args.name, suffix)

    def connect(self, headers=None, **options):
        """Opens a session.

        The library reads and writes its socket from two threads at once, and before Python 3.13 the ssl module doesn't
        guard a TLS socket against that: once in a while the first frame is lost. So with TLS a session that doesn't
        come up is tried again.
        """
        for attempt in range(4 if self.args.ca else 1):
            conn = self.open(headers, **options)
            try:
                conn.inbox.connected.get(timeout=5 if self.args.ca else PATIENCE)
                self.connections.append(conn)
                return conn
            except queue.Empty:
                conn.transport.stop()
        raise AssertionError("no CONNECTED came")

    def open(self, headers, **options):
        kind = {"1.0": stomp.Connection10, "1.1": stomp.Connection11, "1.2": stomp.Connection12}[self.args.version]
        place = (self.args.host, self.args.port)
        options.setdefault("auto_content_length", False)
        conn = kind([place], **options)
        if self.args.ca:
            # TLS 1.3 sends session tickets after the handshake, which makes the same flaw frequent
            conn.set_ssl([place], ca_certs=self.args.ca, cert_file=self.args.cert, key_file=self.args.key,
                         ssl_version=ssl.PROTOCOL_TLSv1_2)
        conn.inbox = Inbox()
        conn.set_listener("inbox", conn.inbox)
        conn.connect(self.args.user, self.args.password, wait=False, headers=headers or {})
        return conn

    def receipt(self, conn, action, *args, headers=None, **kwargs):
        """Calls a method with a receipt header and waits for the RECEIPT."""
        self.count += 1
        wanted = "r%d" % self.count
        action(*args, headers={**(headers or {}), "receipt": wanted}, **kwargs)
        got = conn.inbox.receipts.get(timeout=PATIENCE)
        if got != wanted:
            raise AssertionError("receipt %s, want %s" % (got, wanted))

    def send(self, conn, destination, body, headers=None, **kwargs):
        self.receipt(conn, conn.send, destination, body, headers=headers, **kwargs)

    def subscribe(self, conn, destination, id="1", ack="auto", headers=None):
        self.receipt(conn, conn.subscribe, destination, id=id, ack=ack, headers=headers)

    def message(self, conn):
        return conn.inbox.messages.get(timeout=PATIENCE)

    def bodies(self, conn, n):
        return [self.message(conn).body for _ in range(n)]

    def quiet(self, conn, what):
        """A round trip, after which nothing may be waiting."""
        self.send(conn, "/topic/foreign.sync", "sync")
        self.check(what, conn.inbox.messages.empty(), "an unexpected message came")

    def ack(self, conn, frame, method="ack", **kwargs):
        headers = frame.headers
        action = getattr(conn, method)
        if self.args.version == "1.2":
            action(headers["ack"], **kwargs)
        elif self.args.version == "1.1":
            action(headers["message-id"], headers["subscription"], **kwargs)
        else:
            action(headers["message-id"], **kwargs)

    def leave(self, conn):
        """Disconnects and returns the receipt that came for it."""
        conn.disconnect(receipt="bye")
        return conn.inbox.receipts.get(timeout=PATIENCE)

    def roundtrip(self):
        conn = self.connect()
        self.subscribe(conn, self.queue())
        self.send(conn, self.queue(), "hello Grüße € 😀")
        got = self.message(conn)
        self.same("body", got.body, "hello Grüße € 😀")
        self.same("destination", got.headers["destination"], self.queue())
        self.send(conn, self.queue(), b"a\0b", headers={"content-length": "3"})
        self.same("content-length of bytes", self.message(conn).headers.get("content-length"), "3")
        self.receipt(conn, conn.unsubscribe, id="1")
        self.same("disconnect receipt", self.leave(conn), "bye")

    def headers(self):
        conn = self.connect()
        self.subscribe(conn, self.queue())
        sent = {"color": "red", "priority": "7", "correlation-id": "c-1", "type": "order", "persistent": "true",
                "reply-to": "/queue/back", "expires": "9999999999999"}
        if self.args.version != "1.0":
            sent["odd"] = "a:b\\c\nd"
        self.send(conn, self.queue(), "one", headers=sent, content_type="text/plain")
        got = self.message(conn)
        for name, want in {**sent, "content-type": "text/plain"}.items():
            self.same(name, got.headers.get(name), want)

    def bigbody(self):
        conn = self.connect()
        self.subscribe(conn, self.queue())
        body = "0123456789abcdef" * (2 << 20 >> 4)
        self.send(conn, self.queue(), body)
        self.check("2 MiB", self.message(conn).body == body, "the body differs")

    def ack_(self):
        conn = self.connect()
        self.subscribe(conn, self.queue(), ack="client-individual")
        for body in ("one", "two", "three"):
            self.send(conn, self.queue(), body)
        got = [self.message(conn) for _ in range(3)]
        self.same("bodies", [f.body for f in got], ["one", "two", "three"])
        self.ack(conn, got[1])
        self.send(conn, "/topic/foreign.sync", "sync")
        conn.disconnect()
        other = self.connect()
        self.subscribe(other, self.queue())
        again = [self.message(other) for _ in range(2)]
        self.same("redelivered bodies", [f.body for f in again], ["one", "three"])
        self.same("redelivered flag", again[0].headers.get("redelivered"), "true")
        self.quiet(other, "nothing else")

    def nack(self):
        if self.args.version == "1.0":
            print("SKIP nack: not in 1.0")
            return
        conn = self.connect()
        self.subscribe(conn, "/queue/ActiveMQ.DLQ", id="dlq", headers={"selector": "run = '%s'" % self.args.name})
        self.subscribe(conn, self.queue(), ack="client-individual")
        self.send(conn, self.queue(), "one", headers={"persistent": "true", "run": self.args.name})
        self.ack(conn, self.message(conn), method="nack")
        self.same("original-destination", self.message(conn).headers.get("original-destination"), self.queue())

    def tx(self):
        conn = self.connect()
        self.subscribe(conn, self.queue(), ack="client-individual")
        name = conn.begin()
        conn.send(self.queue(), "lost", headers={"transaction": name})
        conn.abort(name)
        name = conn.begin()
        conn.send(self.queue(), "one", headers={"transaction": name})
        conn.send(self.queue(), "two", headers={"transaction": name})
        self.quiet(conn, "nothing before commit")
        conn.commit(name)
        got = [self.message(conn) for _ in range(2)]
        self.same("committed", [f.body for f in got], ["one", "two"])
        name = conn.begin()
        for frame in got:
            self.ack(conn, frame, transaction=name)
        conn.commit(name)
        self.receipt(conn, conn.unsubscribe, id="1")
        self.subscribe(conn, self.queue(), id="2")
        self.quiet(conn, "nothing after commit of acks")

    def selector(self):
        conn = self.connect()
        self.subscribe(conn, self.topic(), headers={"selector": "n > 5 AND color LIKE 'r%'"})
        for n, color in (("7", "red"), ("3", "red"), ("8", "blue"), ("10", "rose")):
            self.send(conn, self.topic(), n, headers={"n": n, "color": color})
        self.same("selected", self.bodies(conn, 2), ["7", "10"])
        self.quiet(conn, "nothing else")

    def durable(self):
        client, durable = {"client-id": self.args.name}, {"activemq.subscriptionName": self.args.name}
        conn = self.connect(client)
        self.subscribe(conn, self.topic(), headers=durable)
        self.leave(conn)
        producer = self.connect()
        self.send(producer, self.topic(), "offline", headers={"persistent": "true"})
        conn = self.connect(client)
        self.subscribe(conn, self.topic(), headers=durable)
        self.same("kept", self.message(conn).body, "offline")
        self.receipt(conn, conn.unsubscribe, id="1")
        self.receipt(conn, conn.unsubscribe, id="1", **{"headers": durable})
        self.quiet(conn, "deleted")

    def tempqueue(self):
        asker, server = self.connect(), self.connect()
        self.subscribe(asker, "/temp-queue/replies")
        self.subscribe(server, self.queue())
        self.send(asker, self.queue(), "question", headers={"reply-to": "/temp-queue/replies"})
        request = self.message(server)
        self.check("remote name", request.headers["reply-to"].startswith("/remote-temp-queue/"), request.headers["reply-to"])
        self.send(server, request.headers["reply-to"], "answer")
        self.same("answer", self.message(asker).body, "answer")

    def heartbeat(self):
        if self.args.version == "1.0":
            print("SKIP heartbeat: not in 1.0")
            return
        beats = queue.Queue()
        conn = self.connect(heartbeats=(2000, 1000))

        class Beats(stomp.ConnectionListener):
            def on_heartbeat(self):
                beats.put(1)

        conn.set_listener("beats", Beats())
        for _ in range(3):
            beats.get(timeout=PATIENCE)
        self.check("three beats came", True)
        self.check("still connected", conn.is_connected(), "the connection is gone")
        self.quiet(conn, "a round trip")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", default="1.2", choices=["1.0", "1.1", "1.2"])
    for option in ("user", "password", "ca", "cert", "key"):
        parser.add_argument("--" + option)
    args = parser.parse_args()
    driver = Driver(args)
    command = {"ack": "ack_"}.get(args.command, args.command)
    try:
        getattr(driver, command)()
    except Exception as problem:  # a driver reports whatever goes wrong as one line
        driver.check(args.command, False, "%s: %s" % (type(problem).__name__, problem))
    for conn in driver.connections:
        if conn.is_connected():
            conn.disconnect()
    sys.exit(1 if driver.failed else 0)


if __name__ == "__main__":
    main()
