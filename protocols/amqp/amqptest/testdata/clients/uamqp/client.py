#!/usr/bin/env python3
"""Drives uamqp against a broker; see ../README.md."""
import argparse
import logging
import sys

import uamqp
from uamqp import address, authentication, constants, errors, types

TIMEOUT = 20000  # milliseconds


class Driver:
    def __init__(self, args):
        self.args = args
        self.failed = False

    def check(self, what, ok, why=""):
        print("PASS " + what if ok else "FAIL %s: %s" % (what, why), flush=True)
        self.failed = self.failed or not ok

    def same(self, what, got, want):
        self.check(what, got == want, "got %r, want %r" % (got, want))

    def queue(self, suffix=""):
        return ("/queue/%s%s" if self.args.peer == "rabbitmq" else "queue://foreign/%s%s") % (self.args.name, suffix)

    def topic(self, suffix=""):
        return ("/topic/%s%s" if self.args.peer == "rabbitmq" else "topic://foreign/%s%s") % (self.args.name, suffix)

    def auth(self, password=None):
        port = int(self.args.port)
        if self.args.user:
            return authentication.SASLPlain(self.args.host, self.args.user, password or self.args.password, port=port, verify=self.args.ca or None)
        return authentication.SASLAnonymous(self.args.host, port=port, verify=self.args.ca or None)

    def sender(self, target, **options):
        return uamqp.SendClient(address.Target(target) if isinstance(target, str) else target, auth=self.auth(), **options)

    def receiver(self, source, **options):
        options.setdefault("timeout", 5000)
        return uamqp.ReceiveClient(address.Source(source) if isinstance(source, str) else source, auth=self.auth(), **options)

    def put(self, target, *messages, **options):
        client = self.sender(target, **options)
        try:
            for m in messages:
                client.send_message(m if isinstance(m, uamqp.Message) else self.message(m))
        finally:
            client.close()

    def message(self, body, **options):
        options.setdefault("header", uamqp.message.MessageHeader())
        options["header"].durable = True
        return uamqp.Message(body, **options)

    def take(self, client, n):
        batch = []
        while len(batch) < n:
            more = client.receive_message_batch(max_batch_size=n - len(batch), timeout=TIMEOUT)
            if not more:
                break
            batch += more
        return batch

    def roundtrip(self):
        self.put(self.queue(), "one", "Grüße 😀", b"\x00\x01\xff")
        client = self.receiver(self.queue(), prefetch=10)
        got = []
        for m in self.take(client, 3):
            got.append(b"".join(m.get_data()))
            m.accept()
        client.close()
        self.same("data", got, [b"one", "Grüße 😀".encode(), b"\x00\x01\xff"])

    def types(self):
        values = {b"bool": True, b"int": types.AMQPInt(-5), b"long": types.AMQPLong(-5), b"uint": types.AMQPuInt(5), b"string": "ü",
                  b"double": 2.5, b"symbol": types.AMQPSymbol("s")}
        m = self.message("x", application_properties=values)
        self.put(self.queue(), m)
        client = self.receiver(self.queue())
        got = self.take(client, 1)[0]
        want = {b"bool": True, b"int": -5, b"long": -5, b"uint": 5, b"string": "ü".encode(), b"double": 2.5, b"symbol": b"s"}
        for name, value in want.items():
            self.same(name.decode(), got.application_properties.get(name), value)
        got.accept()
        client.close()

    def ids(self):
        for value in "text", "ID:jms:1":
            self.put(self.queue(), self.message("x", properties=uamqp.message.MessageProperties(message_id=value, correlation_id=value)))
            client = self.receiver(self.queue())
            m = self.take(client, 1)[0]
            self.same("id " + value, (m.properties.message_id, m.properties.correlation_id), (value.encode(), value.encode()))
            m.accept()
            client.close()

    def modes(self):
        client = self.sender(self.queue(), send_settle_mode=constants.SenderSettleMode.Unsettled)
        client.send_message(self.message("a"))
        client.close()
        client = self.receiver(self.queue(), receive_settle_mode=constants.ReceiverSettleMode.PeekLock)
        m = self.take(client, 1)[0]
        self.same("peek and lock", b"".join(m.get_data()), b"a")
        m.accept()
        client.close()
        self.put(self.queue(), "b")
        client = self.receiver(self.queue(), receive_settle_mode=constants.ReceiverSettleMode.ReceiveAndDelete)
        self.same("receive and delete", b"".join(self.take(client, 1)[0].get_data()), b"b")
        client.close()

    def topic_command(self):
        client = self.receiver(self.topic())
        client.open()
        while not client.client_ready():
            client.do_work()
        self.put(self.topic(), "a", "b")
        got = self.take(client, 2)
        self.same("topic", [b"".join(m.get_data()) for m in got], [b"a", b"b"])
        client.close()

    def selector(self):
        for i in range(4):
            self.put(self.queue(), self.message(str(i), application_properties={b"n": types.AMQPInt(i)}))
        source = address.Source(self.queue())
        source.set_filter("n > 1", name=b"apache.org:selector-filter:string", descriptor=b"apache.org:selector-filter:string")
        client = self.receiver(source)
        self.same("selected", [b"".join(m.get_data()) for m in self.take(client, 2)], [b"2", b"3"])
        client.close()

    def big(self):
        body = bytes(range(256)) * 3600
        # The library encodes no frame larger than its own limit, even where the broker takes larger ones.
        self.put(self.queue(), body, max_frame_size=131072)
        client = self.receiver(self.queue())
        m = self.take(client, 1)[0]
        self.check("%d octets" % len(body), b"".join(m.get_data()) == body, "differ")
        m.accept()
        client.close()

    def meta(self):
        header = uamqp.message.MessageHeader()
        header.priority, header.time_to_live = 7, 60000
        properties = uamqp.message.MessageProperties(user_id="me", subject="s", reply_to="queue://r", content_type="text/x", group_id="g", group_sequence=3)
        m = self.message("there", header=header, properties=properties, annotations={types.AMQPSymbol("x-opt-a"): "b"})
        self.put(self.queue(), m)
        client = self.receiver(self.queue())
        m = self.take(client, 1)[0]
        self.same("header", (m.header.durable, m.header.priority), (True, 7))
        p = m.properties
        self.same("properties", (p.user_id, p.subject, p.reply_to, p.content_type, p.group_id, p.group_sequence), (b"me", b"s", b"queue://r", b"text/x", b"g", 3))
        self.same("annotation", m.annotations.get(b"x-opt-a"), b"b")
        m.accept()
        client.close()

    def errors(self):
        client = self.receiver("temp-queue://nowhere/" + self.args.name)
        try:
            client.receive_message_batch(timeout=TIMEOUT)
            self.check("no such node", False, "it was taken")
        except errors.LinkDetach as e:
            self.check("no such node", bool(e.condition), repr(e))
        finally:
            client.close()

    def sasl(self):
        if not self.args.user:
            self.put(self.queue(), "x")
            self.check("anonymous", True)
            return
        client = uamqp.SendClient(address.Target(self.queue()), auth=self.auth(self.args.password + "x"), error_policy=errors.ErrorPolicy(max_retries=0))
        try:
            client.send_message(self.message("x"))
            self.check("wrong password", False, "it was taken")
        except Exception as e:
            self.check("wrong password", True, repr(e))
        finally:
            client.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command")
    for name in "host", "port", "name", "peer", "user", "password", "ca", "cert", "key", "ws":
        parser.add_argument("--" + name)
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    driver = Driver(args)
    command = {"topic": driver.topic_command}.get(args.command) or getattr(driver, args.command, None)
    if command is None or args.ws or not args.ca or args.cert:  # the library has TLS always, and no client certificates
        print("SKIP %s: not with this library" % args.command)
        return 0
    try:
        command()
    except Exception as e:
        import traceback
        traceback.print_exc()
        driver.check(args.command, False, "%s: %s" % (type(e).__name__, e))
    return 1 if driver.failed else 0


if __name__ == "__main__":
    sys.exit(main())
