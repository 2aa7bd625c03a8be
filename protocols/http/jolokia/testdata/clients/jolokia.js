#!/usr/bin/env node
// Drives Jolokia's own JavaScript client, which consoles like hawtio are built on: argument 1 is the
// agent's URL, 2 and 3 are a user and a password.
'use strict';

globalThis.window = globalThis; // the client is made for browsers
const assert = require('assert');
const library = require('@jolokia.js/simple');
const Jolokia = library.default ?? library;

const [url, username, password] = process.argv.slice(2);
const root = 'org.apache.activemq:type=Broker,brokerName=localhost';
const queue = `${root},destinationType=Queue,destinationName=from/js!`;

(async () => {
  const jolokia = new Jolokia({ url, username, password });
  const version = await jolokia.request({ type: 'version' });
  assert.strictEqual(version.value.protocol, '7.2');
  await jolokia.execute(root, 'addQueue', 'from/js!');
  assert.strictEqual(await jolokia.getAttribute(queue, 'QueueSize'), 0);
  const id = await jolokia.execute(queue, 'sendTextMessage(java.util.Map,java.lang.String)', { color: 'red' }, 'text');
  const [message] = await jolokia.execute(queue, 'browse()');
  assert.strictEqual(message.JMSMessageID, id);
  assert.strictEqual(message.Text, 'text');
  assert.strictEqual(await jolokia.getAttribute(root, 'TransportConnectors', 'none'), null);
  for (const method of ['get', 'post']) {
    const one = await jolokia.request({ type: 'read', mbean: queue, attribute: 'QueueSize' }, { method });
    assert.strictEqual(one.value, 1, method);
    const found = await jolokia.request({ type: 'search', mbean: 'org.apache.activemq:destinationType=Queue,*' }, { method });
    assert.deepStrictEqual(found.value, ['org.apache.activemq:brokerName=localhost,destinationName=from/js!,destinationType=Queue,type=Broker'], method);
  }
  const list = await jolokia.request([{ type: 'read', mbean: queue, attribute: ['QueueSize', 'Name'] }, { type: 'read', mbean: queue, attribute: 'None' }]);
  assert.deepStrictEqual(list[0].value, { QueueSize: 1, Name: 'from/js!' });
  assert.strictEqual(list[1].error_type, 'javax.management.AttributeNotFoundException');
  assert.ok('brokerName=localhost,type=Broker' in await jolokia.list('org.apache.activemq'));
  await jolokia.execute(queue, 'purge');
  assert.strictEqual(await jolokia.getAttribute(queue, 'QueueSize'), 0);
  console.log('PASS version, read, search, list, exec, bulk');
})().catch((error) => {
  console.log(`FAIL ${error.stack}`);
  process.exitCode = 1;
});
