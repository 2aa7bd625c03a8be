// What a client of @stomp/stompjs does; it runs in Node and in browsers. Returns lines to print.
'use strict';

async function scenario(StompJs, { url, name, user, password, refused }, makeSocket) {
  const lines = [];
  const patience = 20000;
  const check = (what, good, why) => lines.push(good ? `PASS ${what}` : `FAIL ${what}: ${why}`);
  const same = (what, got, want) => check(what, JSON.stringify(got) === JSON.stringify(want), `got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
  const within = (promise, what) => {
    let timer;
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`${what} took too long`)), patience); });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  };

  // open connects and gives the library's callbacks the form of promises.
  const open = async (options = {}) => {
    const client = new StompJs.Client({
      brokerURL: url, reconnectDelay: 0, heartbeatIncoming: 0, heartbeatOutgoing: 0,
      connectHeaders: user ? { login: user, passcode: password } : {}, ...options,
    });
    if (makeSocket) client.webSocketFactory = makeSocket;
    const session = { client, arrived: [], waiting: [], receipts: 0 };
    session.connected = new Promise((resolve, reject) => {
      client.onConnect = resolve;
      client.onStompError = (frame) => reject(new Error(frame.headers.message));
      client.onWebSocketClose = (event) => reject(new Error(`closed with ${event.code}`));
    });
    client.activate();
    session.frame = await within(session.connected, 'connecting');
    session.confirmed = (action, what) => within(new Promise((resolve) => {
      const receipt = `r-${session.receipts += 1}`;
      client.watchForReceipt(receipt, resolve);
      action({ receipt });
    }), what);
    session.send = (destination, message, headers = {}) => session.confirmed(
      (receipt) => client.publish({ destination, headers: { ...headers, ...receipt }, ...message }), 'SEND');
    session.subscribe = (destination, headers = {}) => session.confirmed((receipt) => {
      session.subscription = client.subscribe(destination, (m) => {
        const next = session.waiting.shift();
        if (next) next(m); else session.arrived.push(m);
      }, { ...headers, ...receipt });
    }, 'SUBSCRIBE');
    session.message = () => (session.arrived.length > 0 ? Promise.resolve(session.arrived.shift())
      : within(new Promise((resolve) => { session.waiting.push(resolve); }), 'a message'));
    session.close = () => within(client.deactivate(), 'DISCONNECT');
    return session;
  };

  try {
    if (refused) {
      try {
        await open();
        check('refused', false, 'the page was let in');
      } catch (error) {
        check('refused', String(error).includes('closed with 1006'), String(error));
      }
      return lines;
    }
    const queue = `/queue/browser.${name}`;
    let s = await open();
    same('version', s.frame.headers.version, '1.2');
    await s.subscribe(queue, { ack: 'client-individual' });

    await s.send(queue, { body: 'Grüße € 😀' });
    let m = await s.message();
    same('text', m.body, 'Grüße € 😀');
    same('destination', m.headers.destination, queue);
    m.ack();

    const bytes = new Uint8Array(256).map((_, i) => i);
    await s.send(queue, { binaryBody: bytes });
    m = await s.message();
    same('bytes', Array.from(m.binaryBody), Array.from(bytes));
    m.ack();

    const long = '0123456789abcdef'.repeat((1 << 20) / 16);
    await s.send(queue, { body: long });
    m = await s.message();
    check('1 MiB', m.body === long, `${m.body.length} characters`);
    m.ack();

    await s.send(queue, { body: 'headers' }, { color: 'red', 'a b': 'c\\d:e\nf', persistent: 'true', priority: '7' });
    m = await s.message();
    same('header', [m.headers.color, m.headers['a b'], m.headers.persistent, m.headers.priority], ['red', 'c\\d:e\nf', 'true', '7']);
    await s.close();

    s = await open();
    await s.subscribe(queue, { ack: 'client' });
    m = await s.message();
    same('again', [m.body, m.headers.redelivered], ['headers', 'true']);
    m.ack();
    const tx = s.client.begin();
    for (const body of ['one', 'two', 'three']) s.client.publish({ destination: queue, body, headers: { transaction: tx.id } });
    tx.commit();
    same('transaction', [(await s.message()).body, (await s.message()).body, (await s.message()).body], ['one', 'two', 'three']);
    await s.close();

    s = await open({ heartbeatIncoming: 400, heartbeatOutgoing: 400 });
    const other = await open();
    await s.subscribe(`/topic/browser.${name}`);
    await new Promise((resolve) => { setTimeout(resolve, 2000); });
    check('heart-beats keep it', s.client.connected, 'closed');
    for (let i = 0; i < 100; i += 1) other.client.publish({ destination: `/topic/browser.${name}`, body: String(i) });
    const got = [];
    for (let i = 0; i < 100; i += 1) got.push((await s.message()).body);
    same('order', got, Array.from({ length: 100 }, (_, i) => String(i)));
    await other.close();
    await s.close();
    if (user) {
      let answer = 'let in';
      try {
        await open({ connectHeaders: { login: user, passcode: `${password}x` } });
      } catch (error) {
        answer = String(error);
      }
      check('wrong password', answer.includes('password is invalid'), answer);
    }
  } catch (error) {
    check('the scenario', false, String(error && error.stack ? error.stack : error));
  }
  return lines;
}

if (typeof module !== 'undefined') module.exports = { scenario };
