#!/usr/bin/env node
// Drives @stomp/stompjs in Node; see README.md.
'use strict';

const fs = require('fs');
const { parseArgs } = require('util');
const WebSocket = require('ws');
const StompJs = require('@stomp/stompjs');
const { scenario } = require('./scenario.js');

const TEXT = { type: 'string' };
const { values: arg } = parseArgs({ options: { url: TEXT, name: TEXT, user: TEXT, password: TEXT, ca: TEXT, cert: TEXT, key: TEXT } });
const options = {};
for (const file of ['ca', 'cert', 'key']) if (arg[file]) options[file] = fs.readFileSync(arg[file]);

(async () => {
  const socket = () => new WebSocket(arg.url, ['v12.stomp', 'v11.stomp', 'v10.stomp'], options);
  const lines = await scenario(StompJs, arg, socket);
  console.log(lines.join('\n'));
  process.exit(lines.some((line) => line.startsWith('FAIL')) ? 1 : 0);
})();
