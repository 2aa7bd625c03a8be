#!/usr/bin/env node
// Drives @stomp/stompjs in a headless Chromium; see README.md.
'use strict';

const path = require('path');
const { parseArgs } = require('util');
const { chromium } = require('playwright-core');

const TEXT = { type: 'string' };
const { values: arg } = parseArgs({
  options: {
    url: TEXT, name: TEXT, user: TEXT, password: TEXT, ca: TEXT, chromium: TEXT,
    origin: { ...TEXT, default: 'http://localhost:3000' }, refused: { type: 'boolean' },
  },
});

(async () => {
  const browser = await chromium.launch({
    executablePath: arg.chromium,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--ignore-certificate-errors',
      // The browser would ask its user whether a page may connect to this machine.
      '--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets',
    ],
  });
  let failed = true;
  try {
    const page = await browser.newPage();
    const messages = [];
    page.on('console', (message) => messages.push(message.text()));
    // The page comes from the origin that it is to have, without a server there.
    await page.route(`${arg.origin}/**`, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>test</title>' }));
    await page.goto(`${arg.origin}/`);
    await page.addScriptTag({ path: path.join(path.dirname(require.resolve('@stomp/stompjs')), 'stomp.umd.js') });
    await page.addScriptTag({ path: path.join(__dirname, 'scenario.js') });
    const lines = await page.evaluate((options) => scenario(StompJs, options), arg); // eslint-disable-line no-undef
    if (arg.refused) {
      const told = messages.some((text) => text.includes('response code: 403'));
      lines.push(told ? 'PASS by the broker' : `FAIL by the broker: the console says ${messages}`);
    }
    console.log(lines.join('\n'));
    failed = lines.length === 0 || lines.some((line) => line.startsWith('FAIL'));
  } finally {
    await browser.close();
  }
  process.exit(failed ? 1 : 0);
})().catch((error) => {
  console.log(`FAIL the browser: ${error}`);
  process.exit(1);
});
