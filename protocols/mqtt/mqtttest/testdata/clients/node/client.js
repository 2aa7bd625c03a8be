#!/usr/bin/env node
// Drives MQTT.js against a broker; see ../README.md.
'use strict';

const fs = require('fs');
const { parseArgs } = require('util');
const mqtt = require('mqtt');

const PATIENCE = 20000;
const TEXT = { type: 'string' };
const { values: arg, positionals: [command] } = parseArgs({
  allowPositionals: true,
  options: {
    host: { ...TEXT, default: '127.0.0.1' }, port: TEXT, name: TEXT, version: { ...TEXT, default: '3.1.1' },
    transport: { ...TEXT, default: 'tcp' }, user: TEXT, password: TEXT, ca: TEXT, cert: TEXT, key: TEXT, peer: TEXT,
  },
});
const topic = `foreign/${arg.name}`;
const five = arg.version === '5';
const numbers = (n) => Array.from({ length: n }, (_, i) => String(i));
let failed = false;

function check(what, good, why = '') {
  console.log(good ? `PASS ${what}` : `FAIL ${what}: ${why}`);
  failed = failed || !good;
}

function same(what, got, want) {
  check(what, JSON.stringify(got) === JSON.stringify(want), `got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${what} took too long`)), PATIENCE); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Session queues what a connection receives.
class Session {
  static async open(suffix = '', options = {}) {
    const version = { '3.1': { protocolId: 'MQIsdp', protocolVersion: 3 }, '3.1.1': { protocolVersion: 4 }, 5: { protocolVersion: 5 } }[arg.version];
    const secure = arg.ca ? { ca: fs.readFileSync(arg.ca) } : {};
    if (arg.cert) Object.assign(secure, { cert: fs.readFileSync(arg.cert), key: fs.readFileSync(arg.key) });
    const scheme = arg.transport === 'ws' ? (arg.ca ? 'wss' : 'ws') : (arg.ca ? 'mqtts' : 'mqtt');
    const client = mqtt.connect(`${scheme}://${arg.host}:${arg.port}${arg.transport === 'ws' ? '/mqtt' : ''}`, {
      ...version, ...secure, clientId: arg.name + suffix, username: arg.user, password: arg.password, reconnectPeriod: 0, wsOptions: secure, ...options,
    });
    const s = new Session(client);
    s.connack = await within(new Promise((resolve, reject) => {
      client.once('connect', resolve);
      client.once('error', reject);
      client.once('close', () => reject(new Error('closed')));
    }), 'connecting');
    return s;
  }

  constructor(client) {
    this.client = client;
    this.arrived = [];
    this.waiting = [];
    this.ended = new Promise((resolve) => { client.on('close', resolve); });
    client.on('error', () => {});
    client.on('message', (name, payload, packet) => {
      packet.topic = name; // which the library leaves empty where an alias stands for it
      const next = this.waiting.shift();
      if (next) next(packet); else this.arrived.push(packet);
    });
  }

  publish(name, payload, qos = 0, options = {}) { return within(this.client.publishAsync(name, payload, { qos, ...options }), 'PUBLISH'); }

  async subscribe(names, options = { qos: 1 }) { return (await within(this.client.subscribeAsync(names, options), 'SUBSCRIBE')).map((g) => g.qos); }

  unsubscribe(name) { return within(this.client.unsubscribeAsync(name), 'UNSUBSCRIBE'); }

  message() {
    if (this.arrived.length > 0) return Promise.resolve(this.arrived.shift());
    return within(new Promise((resolve) => { this.waiting.push(resolve); }), 'a message');
  }

  async messages(n) {
    const list = [];
    for (let i = 0; i < n; i += 1) list.push((await this.message()).payload.toString());
    return list;
  }

  // quiet fails if something comes before a message to oneself that was sent last.
  async quiet(what) {
    await this.subscribe(`${topic}/sentinel`);
    await this.publish(`${topic}/sentinel`, 'sentinel', 1);
    same(what, await this.messages(1), ['sentinel']);
    await this.unsubscribe(`${topic}/sentinel`);
  }

  close() { return within(this.client.endAsync(), 'DISCONNECT'); }
}

const commands = {
  async roundtrip() {
    const s = await Session.open();
    const names = [topic, `${topic}/1`, `${topic}/2`];
    for (let qos = 0; qos < 3; qos += 1) same('granted', await s.subscribe(names[qos], { qos }), [qos]);
    for (let qos = 0; qos < 3; qos += 1) {
      for (const payload of [Buffer.from('Grüße € 😀'), Buffer.from(Array.from({ length: 256 }, (_, i) => i)), Buffer.alloc(0)]) {
        await s.publish(names[qos], payload, qos);
        const m = await s.message();
        same(`QoS ${qos}`, [m.topic, m.payload.toString('hex'), m.qos, m.retain, m.dup], [names[qos], payload.toString('hex'), qos, false, false]);
      }
    }
    await s.close();
  },

  async big() {
    const s = await Session.open();
    await s.subscribe(topic, { qos: 2 });
    const payload = '0123456789abcdef'.repeat((1 << 20) / 16);
    for (let qos = 0; qos < 3; qos += 1) {
      await s.publish(topic, payload, qos);
      check(`1 MiB with QoS ${qos}`, (await s.message()).payload.toString() === payload, 'the payload differs');
    }
    await s.close();
  },

  async burst() {
    const reader = await Session.open('r');
    const s = await Session.open('w');
    await reader.subscribe(`${topic}/#`, { qos: 2 });
    await Promise.all(numbers(300).map((i) => s.publish(`${topic}/${1 + (i % 2)}`, i, 1 + (i % 2))));
    const got = [];
    for (let i = 0; i < 300; i += 1) got.push(await reader.message());
    for (const qos of [1, 2]) {
      same(`order of QoS ${qos}`, got.filter((m) => m.topic === `${topic}/${qos}`).map((m) => m.payload.toString()), numbers(300).filter((i) => 1 + (i % 2) === qos));
    }
    await reader.quiet('each once');
    await reader.close();
    await s.close();
  },

  async retained() {
    const s = await Session.open('w');
    await s.publish(topic, 'kept', 1, { retain: true });
    const reader = await Session.open('r');
    await reader.subscribe(topic);
    let m = await reader.message();
    same('kept', [m.payload.toString(), m.retain], ['kept', true]);
    await s.publish(topic, 'live', 1, { retain: true });
    m = await reader.message();
    same('live', [m.payload.toString(), m.retain], ['live', false]);
    await s.publish(topic, '', 1, { retain: true });
    same('cleared', await reader.messages(1), ['']);
    await reader.unsubscribe(topic);
    await reader.subscribe(topic);
    await reader.quiet('nothing is kept');
    await reader.close();
    await s.close();
  },

  async wildcard() {
    const s = await Session.open();
    await s.subscribe([`${topic}/+/c`, `${topic}/d/#`]);
    for (const name of ['/a/c', '/a/x', '/a/b/c', '/d', '/d/e/f', '//c']) await s.publish(topic + name, name, 1);
    same('matched', await s.messages(4), ['/a/c', '/d', '/d/e/f', '//c']);
    await s.quiet('nothing else');
    await s.close();
  },

  async unsubscribe() {
    const s = await Session.open();
    await s.subscribe(topic);
    await s.publish(topic, 'one', 1);
    same('before', await s.messages(1), ['one']);
    await s.unsubscribe(topic);
    await s.publish(topic, 'two', 1);
    await s.quiet('nothing after');
    await s.close();
  },

  async session() {
    const kept = { clean: false, ...(five && { properties: { sessionExpiryInterval: 300 } }) };
    let s = await Session.open('s', kept);
    await s.subscribe(topic, { qos: 2 });
    await s.close();
    const writer = await Session.open('w');
    for (const i of numbers(20)) await writer.publish(topic, i, 1 + (i % 2));
    // The messages may come before there is a listener for them, so that one is set first.
    s = await Session.open('s', kept);
    if (arg.version !== '3.1' && arg.peer !== 'activemq') check('session present', s.connack.sessionPresent, 'it is not');
    same('kept', (await s.messages(20)).sort((a, b) => a - b), numbers(20));
    await writer.publish(topic, 'live', 2);
    same('subscribed', await s.messages(1), ['live']);
    await s.close();
    s = await Session.open('s', { clean: true });
    if (arg.version !== '3.1') check('no session present', !s.connack.sessionPresent, 'it is');
    await writer.publish(topic, 'lost', 1);
    await s.quiet('discarded');
    await s.close();
    await writer.close();
  },

  async will() {
    const reader = await Session.open('r');
    await reader.subscribe(`${topic}/#`);
    const will = (payload) => ({ will: { topic: `${topic}/will`, payload, qos: 1 } });
    await (await Session.open('w', will('gone'))).close();
    const s = await Session.open('w', will('cut'));
    s.client.stream.destroy();
    same('will', await reader.messages(1), ['cut']);
    await reader.quiet('and no other');
    await reader.close();
  },

  async takeover() {
    const first = await Session.open('same');
    const second = await Session.open('same');
    await within(first.ended, 'the end of the first one');
    check('the first one ends', true);
    await second.quiet('the second one goes on');
    await second.close();
  },

  async properties() {
    if (!five) return console.log(`SKIP properties: not in ${arg.version}`);
    const s = await Session.open('', { properties: { topicAliasMaximum: 10, receiveMaximum: 5 } });
    await s.subscribe(topic, { qos: 1 });
    const properties = {
      userProperties: { b: ['1', '3'], a: '2' }, contentType: 'text/plain', responseTopic: `answer/${arg.name}`,
      correlationData: Buffer.from([0, 255]), payloadFormatIndicator: true, messageExpiryInterval: 100,
    };
    for (let i = 0; i < 3; i += 1) { // the broker may use an alias from the second one on
      await s.publish(topic, 'x', 1, { properties });
      const got = await s.message();
      const p = got.properties;
      same('topic', got.topic, topic);
      same('user properties', [p.userProperties.a, p.userProperties.b], ['2', ['1', '3']]);
      same('the others', [p.contentType, p.responseTopic, p.correlationData, p.payloadFormatIndicator], ['text/plain', `answer/${arg.name}`, Buffer.from([0, 255]), true]);
      check('expiry', p.messageExpiryInterval >= 90 && p.messageExpiryInterval <= 100, p.messageExpiryInterval);
    }
    await s.subscribe(`${topic}/id`, { qos: 1, properties: { subscriptionIdentifier: 7 } });
    await s.publish(`${topic}/id`, 'x', 1);
    same('subscription identifier', [(await s.message()).properties.subscriptionIdentifier].flat(), [7]);
    await s.subscribe(`${topic}/local`, { qos: 1, nl: true });
    await s.publish(`${topic}/local`, 'x', 1);
    await s.quiet('no local');
    await s.close();
  },

  async shared() {
    if (!five) return console.log(`SKIP shared: not in ${arg.version}`);
    const members = [await Session.open('m1'), await Session.open('m2')];
    for (const m of members) await m.subscribe([`$share/group/${topic}`, `${topic}/end`]);
    const s = await Session.open('w');
    for (const i of numbers(40)) await s.publish(topic, i, 1);
    await s.publish(`${topic}/end`, 'end', 1);
    const deadline = Date.now() + PATIENCE;
    while (members[0].arrived.length + members[1].arrived.length < 42 && Date.now() < deadline) await new Promise((r) => { setTimeout(r, 10); });
    const got = members.map((m) => m.arrived.map((p) => p.payload.toString()).filter((p) => p !== 'end'));
    same('each once', got.flat().sort((a, b) => a - b), numbers(40));
    check('both get some', got.every((g) => g.length > 0), JSON.stringify(got));
    for (const m of [...members, s]) await m.close();
  },
};

(async () => {
  try {
    if (!commands[command]) throw new Error(`unknown command ${command}`);
    await commands[command]();
  } catch (error) {
    check(command, false, String(error));
  }
  process.exit(failed ? 1 : 0);
})();
