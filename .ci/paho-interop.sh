#!/usr/bin/env bash
# Runs the public interoperability suites of Eclipse Paho, for MQTT 3.1.1 and 5, against a broker.
#
#   paho-interop.sh DIR                        builds and starts brokers of its own
#   paho-interop.sh DIR PORT [DENYING_PORT]    against brokers on localhost
#
# DIR is the folder "interoperability" of github.com/eclipse/paho.mqtt.testing; nothing of it is
# kept here. The broker at PORT lets everybody do everything, announces a keep-alive of 60 s and a
# receive maximum of 20, which the suites ask for; that at DENYING_PORT refuses subscriptions to
# test/nosubscribe with 0x80. Each test runs by itself, for 90 s at most.
#
#   ONLY=pattern  runs the tests whose names match, as grep -E does
set -euo pipefail

if [ $# -lt 1 ] || [ ! -f "$1/client_test5.py" ]; then
  echo "usage: $0 DIR [PORT [DENYING_PORT]], where DIR holds client_test.py and client_test5.py" >&2
  exit 2
fi
dir=$(cd "$1" && pwd)
port=${2:-}
denying=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

# broker NAME PORT SECURITY starts a broker and waits until it is ready.
broker() {
  cat >"$work/$1.yaml" <<X
listeners: [{name: mqtt, address: "127.0.0.1:$2", protocols: [mqtt]}]
http: {address: ""}
store: {engine: memory}
mqtt: {receive_maximum: 20, keep_alive_maximum: 60s, refusal: unspecified, publish_dollar_topics: true}
$3
X
  "$work/manifold" serve --config "$work/$1.yaml" >"$work/$1.log" 2>&1 &
  pids+=($!)
  for _ in $(seq 100); do
    if grep -q ready "$work/$1.log"; then return; fi
    sleep 0.1
  done
  cat "$work/$1.log" >&2
  exit 1
}

if [ -z "$port" ]; then
  (cd "$here/.." && go build -o "$work/manifold" ./cmd/manifold)
  port=18831 denying=18832
  broker open "$port" ""
  export MANIFOLD_SECURITY_USERNAME=paho MANIFOLD_SECURITY_PASSWORD=paho # permissions need users
  broker denying "$denying" "security: {anonymous: true, permissions: [{match: 'topic://allowed.>', read: ['*'], write: ['*'], admin: ['*']}]}"
fi

cat >"$work/one.py" <<'X'
"""Runs one test of a suite: one.py MODULE TEST PORT."""
import importlib, logging, sys, unittest
name, test, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
suite = importlib.import_module(name)
prefix = "client_test5/" if name.endswith("5") else ""
suite.host, suite.port, suite.topic_prefix = "localhost", port, prefix
suite.topics = [prefix + t for t in ("TopicA", "TopicA/B", "Topic/C", "TopicA/C", "/TopicA")]
suite.wildtopics = [prefix + t for t in ("TopicA/+", "+/C", "#", "/#", "/+", "+/+", "TopicA/#")]
suite.nosubscribe_topics = ("test/nosubscribe",)
logging.getLogger().setLevel(logging.ERROR)
result = unittest.TextTestRunner(stream=sys.stdout).run(unittest.TestSuite([suite.Test(test)]))
sys.exit(0 if result.wasSuccessful() else 1)
X

failed=0 passed=0 skipped=0
for module in client_test client_test5; do
  for test in $(sed -n 's/^ *def \(test[A-Za-z0-9_]*\)(self.*/\1/p' "$dir/$module.py"); do
    at=$port
    grep -qE "${ONLY:-.}" <<<"$test" || continue
    if [ "$test" = test_subscribe_failure ]; then
      at=$denying
      if [ -z "$at" ]; then
        echo "SKIP $module $test: no DENYING_PORT"
        skipped=$((skipped + 1))
        continue
      fi
    fi
    if (cd "$dir" && PYTHONPATH="$dir" PYTHONDONTWRITEBYTECODE=1 timeout 90 python3 "$work/one.py" "$module" "$test" "$at") >"$work/out" 2>&1; then
      echo "PASS $module $test"
      passed=$((passed + 1))
    else
      echo "FAIL $module $test"
      sed 's/^/  | /' "$work/out" | tail -25
      failed=$((failed + 1))
    fi
  done
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
