#!/usr/bin/python3
"""Drives mosquitto_pub and mosquitto_sub against a broker; see ../README.md."""

import argparse
import queue
import subprocess
import sys
import threading

PATIENCE = 20
parser = argparse.ArgumentParser()
parser.add_argument("command")
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--port")
parser.add_argument("--name")
parser.add_argument("--version", default="3.1.1")
parser.add_argument("--transport", default="tcp")
for option in ("user", "password", "ca", "cert", "key", "peer"):
    parser.add_argument("--" + option)
arg = parser.parse_args()
topic = "foreign/" + arg.name
five = arg.version == "5"
failed = False
running = []


def check(what, good, why=""):
    global failed
    print("PASS " + what if good else "FAIL %s: %s" % (what, why), flush=True)
    failed = failed or not good


def same(what, got, want):
    check(what, got == want, "got %r, want %r" % (got, want))


def line(program, *args):
    command = [program, "-h", arg.host, "-p", arg.port, "-V", "mqttv" + arg.version.replace(".", "")]
    if arg.user:
        command += ["-u", arg.user, "-P", arg.password]
    if arg.ca:
        command += ["--cafile", arg.ca]
        if arg.cert:
            command += ["--cert", arg.cert, "--key", arg.key]
    return command + list(args)


def publish(to, payload, qos=0, *more):
    done = subprocess.run(line("mosquitto_pub", "-t", to, "-q", str(qos), "-s", *more), input=payload, capture_output=True, timeout=PATIENCE)
    if done.returncode != 0:
        raise RuntimeError("mosquitto_pub: %d %s" % (done.returncode, done.stderr))


class Subscriber:
    """A mosquitto_sub whose subscriptions are in effect when it is made."""

    def __init__(self, *args, form="%t %q %r %x"):
        self.process = subprocess.Popen(["stdbuf", "-oL"] + line("mosquitto_sub", "-d", "-F", "> " + form, *args), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1)
        running.append(self.process)
        self.messages, self.ready, self.log = queue.Queue(), threading.Event(), []
        threading.Thread(target=self.read, daemon=True).start()
        if not self.ready.wait(PATIENCE):
            raise RuntimeError("no SUBACK: %s" % self.log)

    def read(self):
        for text in self.process.stdout:
            if text.startswith("> "):
                self.messages.put(text[2:].rstrip("\n"))
                continue
            self.log.append(text)
            if "Subscribed (mid" in text:
                self.ready.set()

    def message(self):
        return self.messages.get(timeout=PATIENCE)

    def close(self, how="terminate"):
        getattr(self.process, how)()
        self.process.wait(PATIENCE)


def roundtrip():
    for qos in range(3):
        s = Subscriber("-t", topic, "-q", str(qos))
        for payload in ("Grüße € 😀".encode(), bytes(range(256)), b"x"):
            publish(topic, payload, 2)
            same("QoS %d" % qos, s.message(), "%s %d 0 %s" % (topic, qos, payload.hex()))
        s.close()


def big():
    s = Subscriber("-t", topic, "-q", "1", form="%l")
    publish(topic, b"0123456789abcdef" * (1 << 16), 1)
    same("1 MiB", s.message(), str(1 << 20))
    s.close()


def burst():
    s = Subscriber("-t", topic, "-q", "2", form="%p")
    text = "".join("%d\n" % i for i in range(300))
    subprocess.run(line("mosquitto_pub", "-t", topic, "-q", "2", "-l"), input=text.encode(), check=True, timeout=PATIENCE)
    same("each once, in order", [s.message() for _ in range(300)], [str(i) for i in range(300)])
    s.close()


def retained():
    publish(topic, b"kept", 1, "-r")
    s = Subscriber("-t", topic, "-q", "1", form="%r %p")
    same("kept", s.message(), "1 kept")
    publish(topic, b"live", 1, "-r")
    same("live", s.message(), "0 live")
    s.close()
    subprocess.run(line("mosquitto_pub", "-t", topic, "-q", "1", "-r", "-n"), check=True, timeout=PATIENCE)
    s = Subscriber("-t", topic, "-q", "1", form="%r %p")
    publish(topic, b"first", 1)
    same("nothing is kept", s.message(), "0 first")
    s.close()


def wildcard():
    s = Subscriber("-t", topic + "/+/c", "-t", topic + "/d/#", "-t", topic + "/end", "-q", "1", form="%p")
    for name in ("/a/c", "/a/x", "/a/b/c", "/d", "/d/e/f", "//c", "/end"):
        publish(topic + name, name.encode(), 1)
    same("matched", [s.message() for _ in range(5)], ["/a/c", "/d", "/d/e/f", "//c", "/end"])
    s.close()


def session():
    kept = ["-i", arg.name, "-c", "-t", topic, "-q", "2"] + (["-x", "300"] if five else [])
    Subscriber(*kept).close()
    for i in range(20):
        publish(topic, str(i).encode(), 1 + i % 2)
    s = Subscriber(*kept, form="%p")
    same("kept", sorted(int(s.message()) for _ in range(20)), list(range(20)))
    s.close()
    Subscriber("-i", arg.name, "-t", topic + "/other").close()
    publish(topic, b"lost", 1)
    s = Subscriber(*kept, form="%p")
    publish(topic, b"new", 1)
    same("discarded", s.message(), "new")
    s.close()
    Subscriber("-i", arg.name, "-t", topic + "/other").close()


def will():
    s = Subscriber("-t", topic + "/will", "-q", "1", form="%p")
    dying = ["-t", topic, "--will-topic", topic + "/will", "--will-qos", "1", "--will-payload"]
    Subscriber(*dying, "gone").close()
    if five:  # the program asks for it when it ends
        same("will of DISCONNECT", s.message(), "gone")
    Subscriber(*dying, "killed").close("kill")
    same("will", s.message(), "killed")
    s.close()


def takeover():
    first = Subscriber("-i", arg.name + "same", "-t", topic)
    second = Subscriber("-i", arg.name + "same", "-t", topic, form="%p")
    check("the first one notices", any("CONNECT" in text for text in first.log), first.log)
    first.close("kill")
    second.close()


def properties():
    if not five:
        return print("SKIP properties: not in " + arg.version)
    s = Subscriber("-t", topic, "-q", "1", form="%C|%R|%D|%F|%P|%E|%p")
    more = ["user-property b 1", "user-property a 2", "user-property b 3", "content-type text/plain", "response-topic r/t",
            "correlation-data c-1", "payload-format-indicator 1", "message-expiry-interval 100"]
    publish(topic, b"x", 1, *[part for p in more for part in ["-D", "publish"] + p.split()])
    got = s.message().split("|")
    same("properties", got[:5] + got[6:], ["text/plain", "r/t", "c-1", "1", "b:1 a:2 b:3", "x"])
    check("expiry", 90 <= int(got[5]) <= 100, got[5])
    s.close()


def shared():
    if not five:
        return print("SKIP shared: not in " + arg.version)
    members = [Subscriber("-t", "$share/g/" + topic, "-q", "1", form="%p") for _ in range(2)]
    for i in range(20):
        publish(topic, str(i).encode(), 1)
    publish(topic, b"end", 1)
    got = []
    while len(got) < 21:
        for m in members:
            while not m.messages.empty():
                got.append(m.message())
        check_running = [m.process.poll() for m in members]
        if any(code is not None for code in check_running):
            raise RuntimeError("a member has ended")
    same("each once", sorted(got), sorted([str(i) for i in range(20)] + ["end"]))
    for m in members:
        m.close()


def unsubscribe():
    print("SKIP unsubscribe: the programs don't, but at their start")


COMMANDS = (roundtrip, big, burst, retained, wildcard, unsubscribe, session, will, takeover, properties, shared)
try:
    if arg.peer == "mosquitto" and five and arg.command == "burst":
        print("SKIP burst: mosquitto_pub loses messages beyond its broker's receive maximum")
    elif arg.transport != "tcp":
        print("SKIP %s: not through WebSockets" % arg.command)
    else:
        {f.__name__: f for f in COMMANDS}[arg.command]()
except Exception as problem:  # whatever it is, the test failed
    check(arg.command, False, "%s %s" % (type(problem).__name__, problem))
for process in running:
    if process.poll() is None:
        process.kill()
sys.exit(1 if failed else 0)
