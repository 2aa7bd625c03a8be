#!/usr/bin/env bash
# Installs the foreign clients that the tests drive, unmodified, as their users get them.
# STOMP: stomp.py (Python), Net::Stomp (Perl), stomp (Ruby) from Debian; stompit and @stomp/stompjs
# (JavaScript) from npm, the latter also for a headless Chromium.
# MQTT: paho for Python and for C, mosquitto_pub and mosquitto_sub from Debian; mqtt from npm.
# OpenWire: ActiveMQ's own Java client, Spring's JMS support and JMeter's JMS sampler, and the ActiveMQ broker to
# compare with, what its MQTT connector needs, and the agent of its management, from Debian; a JDK compiles the tests' Java programs.
# LDAP: OpenLDAP's server, of which the tests run processes of their own, and its tools.
# Management: jolokia.js from npm; the web console is used in the headless Chromium.
# AMQP: qpid-proton for Python and C++, uamqp for Python from Debian; rhea from npm.
# Running it again does nothing that is done already.
#
#   install.sh            installs and prints the folder for MANIFOLD_FOREIGN_NODE_MODULES
#   CACHE_DIR=... install.sh  keeps the npm packages there instead of under ~/.cache
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/manifold/foreign}
packages=(python3-stomp libnet-stomp-perl libio-socket-ssl-perl ruby ruby-stomp chromium-headless-shell)
packages+=(python3-paho-mqtt mosquitto-clients libpaho-mqtt-dev gcc libc6-dev)
packages+=(openjdk-17-jdk-headless libactivemq-java activemq libjolokia-core-java libjson-simple-java libmqtt-client-java libspring-jms-java jmeter-jms)
packages+=(slapd ldap-utils openssl)
packages+=(python3-qpid-proton python3-uamqp libqpid-proton-cpp12-dev g++)
command -v node >/dev/null || packages+=(nodejs)
command -v npm >/dev/null || packages+=(npm)

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  sudo=()
  [ "$(id -u)" -eq 0 ] || sudo=(sudo)
  # The tests start what they need: no service comes up by being installed.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap '"${sudo[@]}" rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
    "${sudo[@]}" chmod 755 "$policy"
  fi
  "${sudo[@]}" apt-get -o DPkg::Lock::Timeout=600 update >&2
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "${missing[@]}" >&2
fi

mkdir -p "$cache"
if ! cmp -s "$here/package-lock.json" "$cache/installed-lock.json"; then
  cp "$here/package.json" "$here/package-lock.json" "$cache/"
  (cd "$cache" && npm ci --ignore-scripts --no-audit --no-fund >&2)
  cp "$here/package-lock.json" "$cache/installed-lock.json"
fi

echo "$cache/node_modules"
