#!/usr/bin/env node
// Uses the console in a headless Chromium as a person does, with scripts and without: argument 1 is
// the browser's program, 2 the broker's URL, 3 and 4 are a user and a password.
'use strict';

const assert = require('assert');
const { chromium } = require('playwright-core');

const [executablePath, url, user, password] = process.argv.slice(2);

async function walk(browser, scripts) {
  const context = await browser.newContext({ javaScriptEnabled: scripts });
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  const complaints = [];
  page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()); });
  page.on('pageerror', (error) => complaints.push(String(error)));
  const elsewhere = [];
  page.on('request', (request) => { if (!request.url().startsWith(url)) elsewhere.push(request.url()); });
  const name = `from a browser <b>${scripts}</b>`;
  const press = (text) => page.getByRole('button', { name: text, exact: true }).first().click();
  const done = (text) => page.getByText(text).first().waitFor();

  await page.goto(`${url}/admin/queues.jsp`); // by way of the login
  await page.getByLabel('User').fill(user);
  await page.getByLabel('Password').fill(password);
  await press('Log in');
  await page.getByRole('heading', { name: 'Queues' }).waitFor();
  await page.getByLabel('Name').fill(name);
  await press('Create queue');
  await done('Created queue://');
  await page.getByText('Go on').click();
  const row = page.getByRole('row').filter({ hasText: name });
  await row.getByRole('link', { name: 'send' }).click();
  await page.locator('textarea[name=body]').fill('<script>alert(1)</script>{"a":1}');
  await page.locator('textarea[name=properties]').fill('color=red\nsize=3');
  await page.getByLabel('Copies').fill('3');
  await press('Send');
  await done('Sent 3 messages');
  await page.getByText('Go on').click();
  await page.getByRole('link', { name: 'Browse' }).click();
  await page.getByRole('link', { name: /^ID:/ }).first().click();
  await page.getByText('<script>alert(1)</script>').first().waitFor();
  await press('Delete');
  await done('Deleted 1 message');
  await page.getByText('Go on').click();
  await page.getByRole('checkbox').first().check();
  await page.getByLabel('To queue').fill(`${name} too`);
  await press('Move');
  await done('Moved 1 message');
  await page.goto(`${url}/console/queue?name=${encodeURIComponent(name)}`);
  await press('Purge: remove all messages');
  await done('Purged 1 message');
  if (scripts) { // figures change without a click
    await page.goto(`${url}/console/queues`);
    const other = await context.newPage();
    await other.goto(`${url}/console/send?to=${encodeURIComponent(name)}`);
    await other.locator('textarea[name=body]').fill('x');
    await other.getByRole('button', { name: 'Send', exact: true }).click();
    await other.getByText('Sent 1 message').first().waitFor();
    await other.close();
    await row.first().getByRole('cell', { name: '1', exact: true }).first().waitFor();
  }
  await press('Log out');
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await page.goto(`${url}/console/queues`);
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  assert.deepStrictEqual(complaints, []);
  assert.deepStrictEqual(elsewhere, []);
  await context.close();
  console.log(`PASS ${scripts ? 'with' : 'without'} scripts`);
}

(async () => {
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
  try {
    await walk(browser, false);
    await walk(browser, true);
  } finally {
    await browser.close();
  }
})().catch((error) => {
  console.log(`FAIL ${error.stack}`);
  process.exitCode = 1;
});
