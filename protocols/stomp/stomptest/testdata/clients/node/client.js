#!/usr/bin/env node
// Drives stompit against a broker; see ../README.md.
'use strict';

const fs = require('fs');
const { parseArgs } = require('util');
const stompit = require('stompit');

const PATIENCE = 20000;
const TEXT = { type: 'string' };
const { values: arg, positionals: [command] } = parseArgs({
  allowPositionals: true,
  options: {
    host: { ...TEXT, default: '127.0.0.1' }, port: TEXT, name: TEXT, version: { ...TEXT, default: '1.2' },
    user: TEXT, password: TEXT, ca: TEXT, cert: TEXT, key: TEXT,
  },
});
const queue = `/queue/foreign.${arg.name}`;
const topic = `/topic/foreign.${arg.name}`;
let failed = false;

function check(what, good, why = '') {
  console.log(good ? `PASS ${what}` : `FAIL ${what}: ${why}`);
  failed = failed || !good;
}

function same(what, got, want) {
  check(what, JSON.stringify(got) === JSON.stringify(want), `got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
}

// within rejects when a promise takes too long.
function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${what} took too long`)), PATIENCE); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Session wraps the library's callbacks in promises and queues what a subscription receives.
class Session {
  static open(headers = {}) {
    const connectHeaders = { host: arg.host, 'accept-version': arg.version, 'heart-beat': '0,0', ...headers };
    if (arg.user) Object.assign(connectHeaders, { login: arg.user, passcode: arg.password });
    const options = { host: arg.host, port: Number(arg.port), connectHeaders };
    if (arg.ca) {
      Object.assign(options, { ssl: true, ca: fs.readFileSync(arg.ca) });
      if (arg.cert) Object.assign(options, { cert: fs.readFileSync(arg.cert), key: fs.readFileSync(arg.key) });
    }
    return within(new Promise((resolve, reject) => {
      stompit.connect(options, (error, client) => (error ? reject(error) : resolve(new Session(client))));
    }), 'connecting');
  }

  constructor(client) {
    this.client = client;
    this.arrived = [];
    this.waiting = [];
    this.errors = [];
    client.on('error', (error) => this.errors.push(error));
  }

  // confirmed hands the library an onReceipt callback and waits for it.
  confirmed(what, action) {
    return within(new Promise((resolve, reject) => action({ onReceipt: () => resolve(), onError: reject })), what);
  }

  put(destination, body, headers = {}, through = this.client) {
    return this.confirmed('SEND', (options) => through.send({ destination, ...headers }, options).end(body));
  }

  // listen subscribes. The library can't ask for a receipt here, so a round trip follows.
  async listen(destination, headers = {}) {
    this.subscription = this.client.subscribe({ destination, ...headers }, (error, message) => {
      if (error) return;
      message.readString('utf-8', (failure, body) => {
        const got = failure ? { failure } : { body, headers: message.headers, message };
        const next = this.waiting.shift();
        if (next) next(got); else this.arrived.push(got);
      });
    });
    await this.sync();
  }

  sync() { return this.put('/topic/foreign.sync', 'sync'); }

  message() {
    if (this.arrived.length > 0) return Promise.resolve(this.arrived.shift());
    return within(new Promise((resolve) => this.waiting.push(resolve)), 'a message');
  }

  async messages(n) {
    const list = [];
    for (let i = 0; i < n; i++) list.push(await this.message());
    return list;
  }

  async quiet(what) {
    await this.sync();
    check(what, this.arrived.length === 0, 'an unexpected message came');
  }

  leave(headers) {
    this.subscription.unsubscribe(headers);
    return this.sync();
  }

  // close waits for the receipt of DISCONNECT.
  close() { return within(new Promise((resolve) => this.client.disconnect(() => resolve())), 'DISCONNECT'); }
}

const commands = {
  async roundtrip() {
    const s = await Session.open();
    await s.listen(queue);
    await s.put(queue, 'hello Grüße € 😀');
    const got = await s.message();
    same('body', got.body, 'hello Grüße € 😀');
    same('destination', got.headers.destination, queue);
    await s.put(queue, 'a\0b', { 'content-length': 3 });
    same('bytes', (await s.message()).body, 'a\0b');
    await s.leave();
    await s.close();
    check('disconnected', true);
  },

  async headers() {
    const s = await Session.open();
    await s.listen(queue);
    const sent = {
      color: 'red', priority: '7', 'correlation-id': 'c-1', type: 'order', persistent: 'true', 'reply-to': '/queue/back',
      expires: '9999999999999', 'content-type': 'text/plain',
    };
    if (arg.version !== '1.0') sent.odd = 'a:b\\c\nd';
    await s.put(queue, 'one', sent);
    const { headers } = await s.message();
    for (const [name, want] of Object.entries(sent)) same(name, headers[name], want);
  },

  async bigbody() {
    const s = await Session.open();
    await s.listen(queue);
    const body = '0123456789abcdef'.repeat((2 << 20) / 16);
    await s.put(queue, body, { 'content-length': body.length });
    check('2 MiB', (await s.message()).body === body, 'the body differs');
  },

  async ack() {
    const s = await Session.open();
    await s.listen(queue, { ack: 'client-individual' });
    for (const body of ['one', 'two', 'three']) await s.put(queue, body);
    const got = await s.messages(3);
    same('bodies', got.map((m) => m.body), ['one', 'two', 'three']);
    s.client.ack(got[1].message);
    await s.quiet('acknowledged');
    await s.close();
    const other = await Session.open();
    await other.listen(queue);
    const again = await other.messages(2);
    same('redelivered bodies', again.map((m) => m.body), ['one', 'three']);
    same('redelivered flag', again[0].headers.redelivered, 'true');
    await other.quiet('nothing else');
  },

  async nack() {
    if (arg.version === '1.0') return console.log('SKIP nack: not in 1.0');
    const s = await Session.open();
    const dlq = await Session.open();
    await dlq.listen('/queue/ActiveMQ.DLQ', { selector: `run = '${arg.name}'` });
    await s.listen(queue, { ack: 'client-individual' });
    await s.put(queue, 'one', { persistent: 'true', run: arg.name });
    s.client.nack((await s.message()).message);
    same('original-destination', (await dlq.message()).headers['original-destination'], queue);
  },

  async tx() {
    const s = await Session.open();
    await s.listen(queue, { ack: 'client-individual' });
    const lost = s.client.begin();
    await s.put(queue, 'lost', { transaction: lost.id });
    lost.abort();
    const kept = s.client.begin();
    for (const body of ['one', 'two']) await s.put(queue, body, { transaction: kept.id });
    await s.quiet('nothing before commit');
    kept.commit();
    const got = await s.messages(2);
    same('committed', got.map((m) => m.body), ['one', 'two']);
    const acks = s.client.begin();
    for (const m of got) s.client.ack(m.message, { transaction: acks.id });
    acks.commit();
    await s.leave();
    await s.listen(queue);
    await s.quiet('nothing after commit of acks');
  },

  async selector() {
    const s = await Session.open();
    await s.listen(topic, { selector: "n > 5 AND color LIKE 'r%'" });
    for (const [n, color] of [['7', 'red'], ['3', 'red'], ['8', 'blue'], ['10', 'rose']]) await s.put(topic, n, { n, color });
    same('selected', (await s.messages(2)).map((m) => m.body), ['7', '10']);
    await s.quiet('nothing else');
  },

  async durable() {
    const name = { 'activemq.subscriptionName': arg.name };
    let s = await Session.open({ 'client-id': arg.name });
    await s.listen(topic, name);
    await s.close();
    await (await Session.open()).put(topic, 'offline', { persistent: 'true' });
    s = await Session.open({ 'client-id': arg.name });
    await s.listen(topic, name);
    same('kept', (await s.message()).body, 'offline');
    await s.leave();
    await s.confirmed('UNSUBSCRIBE', (options) => s.client.sendFrame('UNSUBSCRIBE', { id: 'x', ...name }, options).end());
    await s.quiet('deleted');
  },

  async tempqueue() {
    const asker = await Session.open();
    const server = await Session.open();
    await asker.listen('/temp-queue/replies');
    await server.listen(queue);
    await asker.put(queue, 'question', { 'reply-to': '/temp-queue/replies' });
    const reply = (await server.message()).headers['reply-to'];
    check('remote name', reply.startsWith('/remote-temp-queue/'), reply);
    await server.put(reply, 'answer');
    same('answer', (await asker.message()).body, 'answer');
  },

  async heartbeat() {
    if (arg.version === '1.0') return console.log('SKIP heartbeat: not in 1.0');
    const s = await Session.open({ 'heart-beat': '4000,1000' });
    const transport = s.client.getTransportSocket();
    await within(new Promise((resolve) => {
      let bytes = 0;
      transport.on('data', (chunk) => { bytes += chunk.length; if (bytes >= 3) resolve(); });
    }), 'heart-beats');
    same('errors', s.errors.map(String), []);
    await s.quiet('still connected after several beats');
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
