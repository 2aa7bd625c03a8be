// Drives rhea against a broker, over TCP, TLS or WebSocket; see ../README.md.
'use strict';

const fs = require('fs');
const rhea = require('rhea');

const PATIENCE = 20000;
const args = {};
const command = process.argv[2];
for (let i = 3; i + 1 < process.argv.length; i += 2) args[process.argv[i].slice(2)] = process.argv[i + 1];

let failed = false;
const text = (v) => JSON.stringify(v, (k, x) => typeof x === 'bigint' ? String(x) : x);
function check(what, ok, why) {
  console.log(ok ? `PASS ${what}` : `FAIL ${what}: ${why}`);
  failed = failed || !ok;
}
const same = (what, got, want) => check(what, text(got) === text(want), `got ${text(got)}, want ${text(want)}`);

const queue = (suffix = '') => args.peer === 'rabbitmq' ? `/queue/${args.name}${suffix}` : `queue://foreign.${args.name}${suffix}`;
const topic = (suffix = '') => args.peer === 'rabbitmq' ? `/topic/${args.name}${suffix}` : `topic://foreign.${args.name}${suffix}`;

// once resolves with the next of some events of an emitter, or rejects for an error or after a while.
function once(emitter, good, bad = []) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => done(reject, new Error(`no ${good} within ${PATIENCE} ms`)), PATIENCE);
    const listeners = [];
    function done(f, v) {
      clearTimeout(timer);
      for (const [e, l] of listeners) emitter.removeListener(e, l);
      f(v);
    }
    for (const e of [].concat(good)) listeners.push([e, (c) => done(resolve, c)]);
    for (const e of bad) listeners.push([e, (c) => done(reject, new Error(`${e}: ${describe(c)}`))]);
    for (const [e, l] of listeners) emitter.on(e, l);
  });
}

function describe(c) {
  const e = (c.receiver && c.receiver.error) || (c.sender && c.sender.error) || (c.session && c.session.error) || (c.connection && c.connection.error) || c.error;
  return e ? `${e.condition || e.code || ''} ${e.description || e.message || ''}` : '';
}

const connections = [];
function options(more = {}) {
  const o = { host: args.host, port: args.port, reconnect: false, container_id: `rhea-${Math.random()}`, ...more };
  if (args.user && !('username' in more)) Object.assign(o, { username: args.user, password: args.password });
  if (o.username === null) { delete o.username; delete o.password; }
  if (args.ca) {
    Object.assign(o, { transport: 'tls', ca: fs.readFileSync(args.ca), rejectUnauthorized: true });
    if (args.cert) Object.assign(o, { cert: fs.readFileSync(args.cert), key: fs.readFileSync(args.key) });
    if (!o.enable_sasl_external) o.enable_sasl_external = false;
  }
  if (args.ws) {
    const ws = rhea.websocket_connect(require('ws'));
    const tls = args.ca ? { ca: fs.readFileSync(args.ca), cert: args.cert && fs.readFileSync(args.cert), key: args.key && fs.readFileSync(args.key) } : {};
    o.connection_details = ws(args.ws, ['amqp'], tls);
    for (const k of ['host', 'port', 'transport', 'ca']) delete o[k];
  }
  return o;
}

async function connect(more) {
  const container = rhea.create_container();
  container.on('error', () => {});
  const conn = container.connect(options(more));
  for (const e of ['error', 'disconnected', 'connection_error', 'protocol_error']) conn.on(e, () => {});
  await once(conn, 'connection_open', ['connection_error', 'connection_close', 'disconnected', 'protocol_error']);
  connections.push(conn);
  return conn;
}

async function sender(conn, target, more = {}) {
  const s = conn.open_sender({ target: typeof target === 'string' ? { address: target } : target, ...more });
  s.on('sender_error', () => {});
  await once(s, 'sendable', ['sender_error', 'sender_close']);
  return s;
}

// receiver opens a receiver whose messages wait in its inbox until they are taken.
async function receiver(conn, source, more = {}) {
  const r = conn.open_receiver({ source: typeof source === 'string' ? { address: source } : source, autoaccept: false, credit_window: 10, ...more });
  r.inbox = [];
  r.waiting = [];
  r.on('message', (c) => {
    const d = { message: c.message, delivery: c.delivery };
    if (r.waiting.length) r.waiting.shift()(d);
    else r.inbox.push(d);
  });
  r.on('receiver_error', () => {});
  await once(r, 'receiver_open', ['receiver_error', 'receiver_close']);
  await new Promise((resolve) => setImmediate(resolve)); // a refusal's detach is right behind its attach
  if (r.error) throw new Error(`${r.error.condition} ${r.error.description}`);
  return r;
}

function take(r) {
  if (r.inbox.length) return Promise.resolve(r.inbox.shift());
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no message within ${PATIENCE} ms`)), PATIENCE);
    r.waiting.push((d) => { clearTimeout(timer); resolve(d); });
  });
}

async function want(what, r, ...bodies) {
  const got = [];
  for (let i = 0; i < bodies.length; i++) {
    const d = await take(r);
    got.push(d.message.body);
    d.delivery.accept();
  }
  same(what, got, bodies);
}

// send resolves with the outcome of a message.
function send(s, message) {
  const result = new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no outcome')), PATIENCE);
    const listeners = {};
    for (const e of ['accepted', 'rejected', 'released', 'modified']) {
      listeners[e] = (c) => {
        if (c.delivery !== delivery) return;
        clearTimeout(timer);
        for (const n in listeners) s.removeListener(n, listeners[n]);
        resolve({ outcome: e, delivery: c.delivery });
      };
      s.on(e, listeners[e]);
    }
  });
  const delivery = s.send({ durable: true, ...message });
  return result;
}

async function put(s, ...bodies) {
  for (const body of bodies) {
    const { outcome } = await send(s, { body });
    if (outcome !== 'accepted') throw new Error(`${text(body)} was ${outcome}`);
  }
}

async function drain(r, n) {
  const drained = once(r, 'receiver_drained');
  r.drain = true;
  r.add_credit(n);
  await drained;
  r.drain = false;
  return r.inbox.splice(0);
}

const selector = (s) => rhea.filter.selector(s);

const commands = {
  async roundtrip() {
    const conn = await connect();
    const s = await sender(conn, queue());
    const r = await receiver(conn, queue());
    await put(s, 'one', 'Grüße 😀', '');
    await want('texts', r, 'one', 'Grüße 😀', '');
    await put(s, true, 7, 2.5, ['a', 1, null], { k: 'v', n: 1 });
    await want('values', r, true, 7, 2.5, ['a', 1, null], { k: 'v', n: 1 });
    await put(s, rhea.message.data_section(Buffer.from([0, 1, 255])));
    const d = await take(r);
    same('data', [...d.message.body.content], [0, 1, 255]);
    d.delivery.accept();
    await put(s, rhea.message.sequence_section(['a', 1]));
    const q = await take(r);
    same('sequence', q.message.body.content, ['a', 1]);
    q.delivery.accept();
    for (const link of [s, r]) {
      link.close();
      await once(link, link === s ? 'sender_close' : 'receiver_close');
    }
    conn.close();
    await once(conn, 'connection_close');
    check('closed', true);
  },

  async types() {
    const conn = await connect();
    const s = await sender(conn, queue());
    const r = await receiver(conn, queue());
    const t = rhea.types;
    const values = {
      ubyte: t.wrap_ubyte(200), ushort: t.wrap_ushort(60000), uint: t.wrap_uint(4000000000), ulong: t.wrap_ulong(7), byte: t.wrap_byte(-5), short: t.wrap_short(-5),
      int: t.wrap_int(-5), long: t.wrap_long(-5), float: t.wrap_float(1.5), double: t.wrap_double(2.5), string: t.wrap_string('ü'), symbol: t.wrap_symbol('s'),
      timestamp: t.wrap_timestamp(1700000000123), bool: true, nothing: null, char: t.wrap_char(0x20ac),
    };
    await send(s, { body: 'x', application_properties: values });
    let d = await take(r);
    d.delivery.accept();
    const plain = (v) => v instanceof Date ? v.getTime() : v !== null && typeof v === 'object' ? v.value : v;
    for (const [name, v] of Object.entries(values)) same(name, plain(d.message.application_properties[name]), plain(v));
    await send(s, { body: { a: [{ b: [1, 'c'] }] } });
    d = await take(r);
    d.delivery.accept();
    same('nested', d.message.body, { a: [{ b: [1, 'c'] }] });
  },

  async ids() {
    const conn = await connect();
    const s = await sender(conn, queue());
    const r = await receiver(conn, queue());
    for (const id of ['text', 'ID:jms:1', 7, Buffer.from([0, 1]), rhea.generate_uuid()]) {
      const wrapped = Buffer.isBuffer(id) && id.length === 16 ? rhea.types.wrap_uuid(id) : typeof id === 'number' ? rhea.types.wrap_ulong(id) : Buffer.isBuffer(id) ? rhea.types.wrap_binary(id) : id;
      await send(s, { body: 'x', message_id: wrapped, correlation_id: wrapped });
      const d = await take(r);
      d.delivery.accept();
      same(`id ${text(id)}`, [d.message.message_id, d.message.correlation_id], [id, id]);
    }
  },

  async modes() {
    const conn = await connect();
    const s = await sender(conn, queue(), { snd_settle_mode: 1 });
    s.send({ body: 'a' });
    s.send({ body: 'b' });
    const r = await receiver(conn, queue(), { snd_settle_mode: 1 });
    same('settled', [(await take(r)).message.body, (await take(r)).message.body], ['a', 'b']);
    r.close();
    await once(r, 'receiver_close');
    const u = await sender(conn, queue(), { snd_settle_mode: 0 });
    await put(u, 'c');
    const second = await receiver(conn, queue(), { rcv_settle_mode: 1, snd_settle_mode: 0, autosettle: false });
    const d = await take(second);
    const settled = once(second, 'settled');
    d.delivery.update(false, rhea.message.accepted().described());
    await settled;
    check('second', true);
    second.close();
    await once(second, 'receiver_close');
    const last = await receiver(conn, queue(), { credit_window: 0 });
    same('nothing is left', (await drain(last, 5)).length, 0);
  },

  async outcomes() {
    const conn = await connect();
    const s = await sender(conn, queue());
    const r = await receiver(conn, queue(), { credit_window: 1 });
    await put(s, 'a');
    let d = await take(r);
    d.delivery.release();
    d = await take(r);
    same('released', [d.message.body, d.message.delivery_count || 0], ['a', 0]);
    d.delivery.modified({ delivery_failed: true, message_annotations: { 'x-opt-note': 'tried' } });
    d = await take(r);
    same('modified', [d.message.body, d.message.delivery_count], ['a', 1]);
    same('annotation', d.message.message_annotations && d.message.message_annotations['x-opt-note'], 'tried');
    d.delivery.accept();
    await send(s, { body: 'poison', application_properties: { k: args.name } });
    d = await take(r);
    d.delivery.reject({ condition: 'x:bad', description: 'poison' });
    const dead = await receiver(conn, { address: 'queue://ActiveMQ.DLQ', filter: selector(`k = '${args.name}'`) });
    await want('rejected', dead, 'poison');
  },

  async credit() {
    const conn = await connect();
    const s = await sender(conn, queue());
    await put(s, '0', '1', '2', '3', '4');
    const r = await receiver(conn, queue(), { credit_window: 0 });
    r.add_credit(2);
    await want('two', r, '0', '1');
    const list = await drain(r, 10);
    same('drained', list.map((d) => d.message.body), ['2', '3', '4']);
    list.forEach((d) => d.delivery.accept());
    same('drained again', (await drain(r, 3)).length, 0);
  },

  async durable() {
    const source = { address: topic(), durable: 2, expiry_policy: 'never' };
    const client = { container_id: `client-${args.name}` };
    let conn = await connect(client);
    let r = await receiver(conn, source, { name: 'sub' });
    const s = await sender(await connect(), topic());
    await put(s, '1');
    await want('while attached', r, '1');
    r.detach();
    await once(r, 'receiver_close').catch(() => {});
    conn.close();
    await once(conn, 'connection_close');
    await put(s, '2', '3');
    conn = await connect(client);
    r = await receiver(conn, source, { name: 'sub' });
    await want('while away', r, '2', '3');
    r.close();
    await once(r, 'receiver_close');
    check('closed', true);
  },

  async shared() {
    const conn = await connect({ container_id: `client-${args.name}` });
    const source = { address: topic(), durable: 2, expiry_policy: 'never', capabilities: ['topic', 'shared'] };
    const one = await receiver(conn, source, { name: 'sub', credit_window: 1 });
    const two = await receiver(conn, source, { name: 'sub|2', credit_window: 1 });
    const s = await sender(await connect(), topic());
    await put(s, '1', '2');
    const got = [await take(one), await take(two)];
    same('shared', got.map((d) => d.message.body).sort(), ['1', '2']);
    got.forEach((d) => d.delivery.accept());
    for (const r of [one, two]) {
      r.close();
      await once(r, 'receiver_close');
    }
  },

  async dynamic() {
    const [client, service] = [await connect(), await connect()];
    const replies = await receiver(client, { dynamic: true });
    const address = replies.source.address;
    check('address', !!address, text(replies.source));
    const requests = await sender(client, queue());
    const work = await receiver(service, queue());
    await send(requests, { body: 'ping', reply_to: address, message_id: 'r-1' });
    const d = await take(work);
    const answers = await sender(service, d.message.reply_to);
    await send(answers, { body: 'pong', correlation_id: d.message.message_id });
    d.delivery.accept();
    const a = await take(replies);
    same('reply', [a.message.body, a.message.correlation_id], ['pong', 'r-1']);
    a.delivery.accept();
  },

  async relay() {
    const conn = await connect();
    const s = await sender(conn, {});
    for (const suffix of ['.a', '.b']) {
      await send(s, { body: suffix, to: queue(suffix) });
      await want(`to ${suffix}`, await receiver(conn, queue(suffix)), suffix);
    }
    same('without an address', (await send(s, { body: 'x' })).outcome, 'rejected');
  },

  async browse() {
    const conn = await connect();
    await put(await sender(conn, queue()), '1', '2');
    const r = await receiver(conn, { address: queue(), distribution_mode: 'copy' }, { credit_window: 0 });
    same('browsed', (await drain(r, 10)).map((d) => d.message.body), ['1', '2']);
    r.close();
    await once(r, 'receiver_close');
    await want('still there', await receiver(conn, queue()), '1', '2');
  },

  async selector() {
    const conn = await connect();
    const s = await sender(conn, queue());
    for (let i = 0; i < 6; i++) await send(s, { body: i, subject: i % 2 ? 'odd' : 'even', application_properties: { n: i } });
    const r = await receiver(conn, { address: queue(), filter: selector("JMSType = 'odd' AND n > 1") });
    await want('selected', r, 3, 5);
  },

  async nolocal() {
    const [conn, other] = [await connect(), await connect()];
    const filter = { 'no-local': rhea.types.wrap_described([], 0x468C00000003) };
    const r = await receiver(conn, { address: topic(), filter });
    await put(await sender(conn, topic()), 'mine');
    await put(await sender(other, topic()), 'theirs');
    await want('only theirs', r, 'theirs');
  },

  async topic() {
    const conn = await connect();
    const [one, two] = [await receiver(conn, topic()), await receiver(conn, topic())];
    await put(await sender(conn, topic()), 'a', 'b');
    await want('one', one, 'a', 'b');
    await want('two', two, 'a', 'b');
  },

  async big() {
    const conn = await connect();
    const s = await sender(conn, queue());
    const r = await receiver(conn, queue());
    const body = Buffer.alloc(10 << 20, 'abcdefghijklmno');
    await send(s, { body: rhea.message.data_section(body) });
    const d = await take(r);
    check(`${body.length} octets`, body.equals(d.message.body.content), `got ${d.message.body.content.length}`);
    d.delivery.accept();
  },

  async meta() {
    const conn = await connect();
    const s = await sender(conn, queue());
    const r = await receiver(conn, queue());
    await send(s, { body: 'gone', absolute_expiry_time: 1000 });
    await send(s, {
      body: 'there', priority: 7, ttl: 60000, user_id: Buffer.from('me'), subject: 's', reply_to: 'queue://r', content_type: 'text/x', content_encoding: 'gzip',
      creation_time: 1700000000000, group_id: 'g', group_sequence: 3, reply_to_group_id: 'rg', message_annotations: { 'x-opt-a': 'b' },
    });
    const { message: m, delivery } = await take(r);
    delivery.accept();
    same('header', [m.body, m.durable, m.priority, m.ttl > 0 && m.ttl <= 60000], ['there', true, 7, true]);
    same('properties', [String(m.user_id), m.subject, m.reply_to, m.content_type, m.content_encoding, new Date(m.creation_time).getTime()], ['me', 's', 'queue://r', 'text/x', 'gzip', 1700000000000]);
    same('group', [m.group_id, m.group_sequence, m.reply_to_group_id], ['g', 3, 'rg']);
    same('annotation', m.message_annotations['x-opt-a'], 'b');
  },

  async errors() {
    const conn = await connect();
    const refused = async (what, condition, open) => {
      try {
        await open();
        check(what, false, 'it was taken');
      } catch (e) {
        check(what, e.message.includes(condition), e.message);
      }
    };
    await refused('bad selector', 'amqp:invalid-field', () => receiver(conn, { address: queue(), filter: selector('a = (') }));
    await refused('no such node', 'amqp:', () => sender(conn, `temp-queue://nowhere-${args.name}`));
    if (args.user) await refused('no right', 'amqp:unauthorized-access', () => sender(conn, `queue://forbidden.${args.name}`));
    await put(await sender(conn, queue()), 'alive');
    await want('the session lives', await receiver(conn, queue()), 'alive');
  },

  async sasl() {
    if (!args.user) {
      await connect({ username: 'anonymous' });
      check('anonymous', true);
      return;
    }
    try {
      await connect({ username: args.user, password: args.password + 'x' });
      check('wrong password', false, 'it was taken');
    } catch (e) {
      check('wrong password', true);
    }
    if (args.cert && !args.ws) {
      const conn = await connect({ username: null, enable_sasl_external: true });
      await put(await sender(conn, queue()), 'x');
      await want('by certificate', await receiver(conn, queue()), 'x');
    }
  },
};

(async () => {
  if (!commands[command]) {
    console.log(`SKIP ${command}: not with this library`);
    return;
  }
  try {
    await commands[command]();
  } catch (e) {
    check(command, false, e.stack);
  }
  for (const conn of connections) conn.close();
})().then(() => process.exit(failed ? 1 : 0));
process.on('unhandledRejection', (e) => { check(command, false, e && e.stack); process.exit(1); });
