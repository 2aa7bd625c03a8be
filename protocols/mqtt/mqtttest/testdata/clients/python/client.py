#!/usr/bin/python3
"""Drives paho for Python against a broker; see ../README.md."""

import argparse
import queue
import socket
import ssl
import sys
import threading
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

PATIENCE = 20
VERSIONS = {"3.1": mqtt.MQTTv31, "3.1.1": mqtt.MQTTv311, "5": mqtt.MQTTv5}

parser = argparse.ArgumentParser()
parser.add_argument("command")
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--port", type=int)
parser.add_argument("--name")
parser.add_argument("--version", default="3.1.1")
parser.add_argument("--transport", default="tcp")
for option in ("user", "password", "ca", "cert", "key", "peer"):
    parser.add_argument("--" + option)
arg = parser.parse_args()
topic = "foreign/" + arg.name
five = arg.version == "5"
failed = False


def check(what, good, why=""):
    global failed
    print("PASS " + what if good else "FAIL %s: %s" % (what, why), flush=True)
    failed = failed or not good


def same(what, got, want):
    check(what, got == want, "got %r, want %r" % (got, want))


class Session:
    """A connection whose callbacks are queues."""

    def __init__(self, suffix="", clean=True, expiry=None, will=None, keepalive=60):
        self.messages = queue.Queue()
        self.events = queue.Queue()
        self.ended = threading.Event()
        kind = "websockets" if arg.transport == "ws" else "tcp"
        options = {} if five else {"clean_session": clean}
        self.client = mqtt.Client("%s%s" % (arg.name, suffix), protocol=VERSIONS[arg.version], transport=kind, **options)
        if kind == "websockets":
            self.client.ws_set_options(path="/mqtt")
        if arg.user:
            self.client.username_pw_set(arg.user, arg.password)
        if arg.ca:
            self.client.tls_set(arg.ca, arg.cert, arg.key, tls_version=ssl.PROTOCOL_TLS_CLIENT)
        if will:
            self.client.will_set(*will)
        self.client.on_message = lambda client, data, message: self.messages.put(message)
        self.client.on_connect = lambda client, data, flags, code, *more: self.events.put(("connect", int(getattr(code, "value", code)), flags))
        self.client.on_subscribe = lambda client, data, mid, codes, *more: self.events.put(("subscribe", mid, codes))
        self.client.on_unsubscribe = lambda client, data, mid, *more: self.events.put(("unsubscribe", mid))
        self.client.on_disconnect = lambda *all: self.ended.set()
        connecting = {}
        if five:
            connecting["clean_start"] = clean
            if expiry:
                connecting["properties"] = Properties(PacketTypes.CONNECT)
                connecting["properties"].SessionExpiryInterval = expiry
        self.client.connect(arg.host, arg.port, keepalive, **connecting)
        self.client.loop_start()
        _, code, flags = self.events.get(timeout=PATIENCE)
        if code != 0:
            raise RuntimeError("CONNACK %d" % code)
        self.present = flags["session present"] if "session present" in flags else None

    def subscribe(self, *args, **more):
        result, mid = self.client.subscribe(*args, **more)
        while True:
            event = self.events.get(timeout=PATIENCE)
            if event[0] == "subscribe" and event[1] == mid:
                return [int(getattr(c, "value", c)) for c in event[2]]

    def unsubscribe(self, name):
        result, mid = self.client.unsubscribe(name)
        while self.events.get(timeout=PATIENCE)[:2] != ("unsubscribe", mid):
            pass

    def publish(self, name, payload, qos=0, retain=False, **more):
        info = self.client.publish(name, payload, qos, retain, **more)
        info.wait_for_publish(PATIENCE)
        if not info.is_published():
            raise RuntimeError("no confirmation")

    def message(self):
        return self.messages.get(timeout=PATIENCE)

    def quiet(self, what):
        """Nothing comes before a message to oneself that was sent last."""
        name = "%s/sentinel" % topic
        self.subscribe(name, 1)
        self.publish(name, "sentinel", 1)
        message = self.message()
        while message.retain:
            message = self.message()
        same(what, message.payload, b"sentinel")
        self.unsubscribe(name)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()

    def cut(self):
        """Breaks the socket without a word."""
        sock = self.client.socket()
        sock = getattr(sock, "_socket", sock)
        if isinstance(sock, ssl.SSLSocket):
            sock = socket.socket(fileno=sock.detach())
        self.client.on_disconnect = None
        threading.excepthook = lambda problem: None  # the library's thread ends with the socket
        self.client._thread_terminate = True
        sock.shutdown(socket.SHUT_RDWR)
        sock.close()


def roundtrip():
    s = Session()
    same("granted", s.subscribe([(topic, 0), (topic + "/1", 1), (topic + "/2", 2)]), [0, 1, 2])
    for qos, name in enumerate((topic, topic + "/1", topic + "/2")):
        for payload in ("Grüße € 😀".encode(), bytes(range(256)), b""):
            s.publish(name, payload, qos)
            m = s.message()
            same("QoS %d" % qos, (m.topic, m.payload, m.qos, m.retain, m.dup), (name, payload, qos, False, False))
    s.publish(topic, "x", 2)
    same("lowered", s.message().qos, 0)
    s.close()
    check("disconnected", True)


def big():
    s = Session()
    s.subscribe(topic, 2)
    payload = b"0123456789abcdef" * (1 << 16)
    for qos in (0, 1, 2):
        s.publish(topic, payload, qos)
        check("1 MiB with QoS %d" % qos, s.message().payload == payload, "the payload differs")
    s.close()


def burst():
    reader, s = Session("r"), Session("w")
    reader.subscribe(topic + "/#", 2)
    infos = [s.client.publish("%s/%d" % (topic, 1 + i % 2), str(i), 1 + i % 2) for i in range(300)]
    for info in infos:
        info.wait_for_publish(PATIENCE)
    got = [reader.message() for _ in range(300)]
    for qos in (1, 2):
        same("order of QoS %d" % qos, [int(m.payload) for m in got if m.topic == "%s/%d" % (topic, qos)], [i for i in range(300) if 1 + i % 2 == qos])
    reader.quiet("each once")
    reader.close()
    s.close()


def retained():
    s = Session("w")
    s.publish(topic, "old", 1, True)
    s.publish(topic, "kept", 1, True)
    reader = Session("r")
    reader.subscribe(topic, 1)
    m = reader.message()
    same("kept", (m.payload, m.retain), (b"kept", True))
    s.publish(topic, "live", 1, True)
    m = reader.message()
    same("live", (m.payload, m.retain), (b"live", False))
    s.publish(topic, "", 1, True)
    same("cleared", reader.message().payload, b"")
    reader.unsubscribe(topic)
    reader.subscribe(topic, 1)
    reader.quiet("nothing is kept")
    reader.close()
    s.close()


def wildcard():
    s = Session()
    s.subscribe([(topic + "/+/c", 1), (topic + "/d/#", 1)])
    names = ["/a/c", "/a/x", "/a/b/c", "/d", "/d/e/f", "//c"]
    for name in names:
        s.publish(topic + name, name, 1)
    same("matched", [s.message().payload.decode() for _ in range(4)], ["/a/c", "/d", "/d/e/f", "//c"])
    s.quiet("nothing else")
    s.close()


def unsubscribe():
    s = Session()
    s.subscribe(topic, 1)
    s.publish(topic, "one", 1)
    same("before", s.message().payload, b"one")
    s.unsubscribe(topic)
    s.publish(topic, "two", 1)
    s.quiet("nothing after")
    s.unsubscribe(topic + "/never")
    check("answered although nothing was subscribed", True)
    s.close()


def session():
    s = Session("s", clean=False, expiry=300)
    s.subscribe(topic, 2)
    s.close()
    writer = Session("w")
    for i in range(20):
        writer.publish(topic, str(i), 1 + i % 2)
    s = Session("s", clean=False, expiry=300)
    if arg.version != "3.1" and arg.peer != "activemq":  # which never says so
        check("session present", s.present, s.present)
    # The library hands a message of QoS 2 over when its handshake is complete.
    got = [int(s.message().payload) for _ in range(20)]
    same("kept", [sorted(got), [i for i in got if i % 2], [i for i in got if not i % 2]], [list(range(20)), list(range(1, 20, 2)), list(range(0, 20, 2))])
    writer.publish(topic, "live", 2)
    same("subscribed", s.message().payload, b"live")
    s.close()
    s = Session("s", clean=True)
    if arg.version != "3.1":
        check("no session present", not s.present, s.present)
    writer.publish(topic, "lost", 1)
    s.quiet("discarded")
    s.close()
    writer.close()


def will():
    reader = Session("r")
    reader.subscribe(topic + "/#", 1)
    s = Session("w", will=(topic + "/will", "gone", 1, False))
    s.close()
    s = Session("w", will=(topic + "/will", "cut", 1, False))
    s.cut()
    same("will", reader.message().payload, b"cut")
    reader.quiet("and no other")
    reader.close()


def takeover():
    first = Session("same")
    first.client.on_connect = None
    first.client.reconnect_delay_set(60, 120)
    second = Session("same")
    check("the first one ends", first.ended.wait(PATIENCE), "it goes on")
    first.client._thread_terminate = True
    second.quiet("the second one goes on")
    second.close()


def properties():
    if not five:
        return print("SKIP properties: not in " + arg.version)
    s = Session()
    s.subscribe(topic, 1)
    p = Properties(PacketTypes.PUBLISH)
    p.UserProperty = [("b", "1"), ("a", "2"), ("b", "3")]
    p.ContentType = "text/plain"
    p.ResponseTopic = "answer/" + arg.name
    p.CorrelationData = b"\x00\xff"
    p.PayloadFormatIndicator = 1
    p.MessageExpiryInterval = 100
    s.publish(topic, "x", 1, properties=p)
    got = s.message().properties
    same("user properties", got.UserProperty, [("b", "1"), ("a", "2"), ("b", "3")])
    same("the others", (got.ContentType, got.ResponseTopic, got.CorrelationData, got.PayloadFormatIndicator), ("text/plain", "answer/" + arg.name, b"\x00\xff", 1))
    check("expiry", 90 <= got.MessageExpiryInterval <= 100, got.MessageExpiryInterval)
    p = Properties(PacketTypes.SUBSCRIBE)
    p.SubscriptionIdentifier = 7
    s.subscribe(topic + "/id", options=SubscribeOptions(1, noLocal=False), properties=p)
    s.publish(topic + "/id", "x", 1)
    same("subscription identifier", s.message().properties.SubscriptionIdentifier, [7])
    s.subscribe(topic + "/local", options=SubscribeOptions(1, noLocal=True))
    s.publish(topic + "/local", "x", 1)
    s.quiet("no local")
    s.close()


def shared():
    if not five:
        return print("SKIP shared: not in " + arg.version)
    members = [Session("m1"), Session("m2")]
    for m in members:
        same("granted", m.subscribe("$share/group/" + topic, 1), [1])
    s = Session("w")
    for i in range(40):
        s.publish(topic, str(i), 1)
    for m in members:
        m.subscribe(topic + "/end", 1)
    s.publish(topic + "/end", "end", 1)
    deadline = time.monotonic() + PATIENCE
    while sum(m.messages.qsize() for m in members) < 42 and time.monotonic() < deadline:
        time.sleep(0.01)
    got = [[m.messages.get().payload.decode() for _ in range(m.messages.qsize())] for m in members]
    same("each once", sorted((x for g in got for x in g if x != "end"), key=int), [str(i) for i in range(40)])
    check("both get some", all(len(g) > 1 for g in got), got)
    for m in members + [s]:
        m.close()


COMMANDS = (roundtrip, big, burst, retained, wildcard, unsubscribe, session, will, takeover, properties, shared)
try:
    {f.__name__: f for f in COMMANDS}[arg.command]()
except Exception as problem:  # whatever it is, the test failed
    check(arg.command, False, "%s %s" % (type(problem).__name__, problem))
sys.stdout.flush()
import os  # the library's threads are not waited for
os._exit(1 if failed else 0)
