// Settings -> Webhooks, against a receiver that refuses when it is told to.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { checkLooks, go, inBothLooks, openPage, picture, startBrowser, startSandbox } from './harness.js';

let sandbox;
let browser;
let page;
let problems;
const receiver = { status: 204, got: 0 };

before(async () => {
  const server = createServer((request, response) => {
    request.resume().on('end', () => { receiver.got += 1; response.writeHead(receiver.status).end(); });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  receiver.server = server;
  receiver.url = `http://127.0.0.1:${server.address().port}/hook`;
  sandbox = await startSandbox();
  browser = await startBrowser();
  ({ page, problems } = await openPage(browser));
});
after(async () => {
  await browser?.close();
  await sandbox?.stop();
  receiver.server?.close();
});

const alarm = () => page.getByRole('article', { name: 'alarm' });
const button = (name) => alarm().getByRole('button', { name, exact: true });

test('none yet; an address that is not allowed is refused at its field, and nothing is lost', async () => {
  await go(page, sandbox, '/settings');
  await page.getByText('No webhook; nobody is told').waitFor();
  await page.getByRole('button', { name: 'Add a webhook' }).click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Name').fill('alarm');
  await form.getByLabel('Address').fill('http://example.com/hook');
  await form.getByRole('button', { name: 'Save' }).click();
  await form.getByText('https', { exact: false }).and(form.locator('.mantine-InputWrapper-error')).waitFor();
  assert.equal(await form.getByLabel('Address').getAttribute('aria-invalid'), 'true');
  await picture(page, 'webhook-refused');
  await checkLooks(page, 'a refused webhook');
  assert.equal(await form.getByLabel('Name').inputValue(), 'alarm');
});

test('added: the secret is shown once', async () => {
  const form = page.getByRole('dialog');
  await form.getByLabel('Address').fill(receiver.url);
  await form.getByRole('textbox', { name: 'Events' }).click();
  await page.getByRole('option', { name: 'account.suspended' }).click();
  await page.keyboard.press('Escape');
  await form.getByRole('button', { name: 'Save' }).click();
  const dialog = page.getByRole('dialog', { name: "The webhook's secret" });
  const secret = (await dialog.locator('pre, code').first().textContent()).trim();
  assert.match(secret, /^whsec_.{20,}/);
  await picture(page, 'webhook-secret');
  await checkLooks(page, 'the secret of a webhook');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await alarm().getByText('account.suspended').waitFor();
  assert.ok(!(await page.content()).includes(secret), 'the secret is on the page after it was closed');
  await page.reload();
  await alarm().waitFor();
  assert.ok(!(await page.content()).includes(secret));
});

test('tested: received, then refused, and both are in the deliveries', async () => {
  await button('Test').click();
  await alarm().getByText('Received, with the status 204.').waitFor();
  receiver.status = 503;
  await button('Test').click();
  await alarm().getByText('Not received', { exact: false }).waitFor();
  await button('Deliveries').click();
  const rows = alarm().getByRole('row');
  await rows.filter({ hasText: 'delivered' }).waitFor();
  await rows.filter({ hasText: /failed|pending/ }).waitFor();
  assert.equal(receiver.got, 2);
  await inBothLooks(page, 'webhooks');
});

test('an event is tried again until it is received', async () => {
  const account = await sandbox.control('accounts', { kind: 'social', email: 'dev@example.com' });
  const { connection } = await sandbox.api('POST', '/api/oauth/kiro/import', { refreshToken: account.refreshToken, name: 'kiro-dev' });
  await sandbox.control('faults', { target: 'data', account: account.accountId, mode: 'status', status: 403, count: -1, body: { __type: 'x#AccessDeniedException', message: 'Your User ID temporarily is suspended', reason: 'TEMPORARILY_SUSPENDED' } });
  await fetch(`${sandbox.gateway}/v1/chat/completions`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ model: `kiro/${connection.name}`, messages: [{ role: 'user', content: 'Hi' }] }) });
  const row = alarm().getByRole('row').filter({ hasText: 'account.suspended' });
  await row.filter({ hasText: 'pending' }).waitFor();
  await picture(page, 'webhooks-pending');
  receiver.status = 204;
  await row.filter({ hasText: 'delivered' }).waitFor({ timeout: 45_000 });
});

test('switched off and on, edited, given a new secret, deleted after a question', async () => {
  const toggle = alarm().locator('.mantine-Switch-track'); // the switch itself is not to be seen
  await toggle.click();
  await alarm().getByText('Off', { exact: true }).waitFor();
  assert.equal((await sandbox.api('GET', '/api/webhooks/alarm')).isActive, false);
  await toggle.click();
  await alarm().getByText('On', { exact: true }).waitFor();
  await button('Edit').click();
  await page.getByRole('dialog').getByLabel('Name').fill('siren');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  const siren = page.getByRole('article', { name: 'siren' });
  await siren.getByRole('button', { name: 'New secret' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Make a new one' }).click();
  await page.getByRole('dialog', { name: "The webhook's secret" }).getByText('whsec_', { exact: false }).waitFor();
  await page.keyboard.press('Escape');
  await siren.getByRole('button', { name: 'Delete' }).click();
  await checkLooks(page, 'the question whether to delete a webhook');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('No webhook; nobody is told').waitFor();
});

test('the browser had nothing to complain about', () => assert.deepEqual(problems, []));
