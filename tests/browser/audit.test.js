// The page Audit: who did what and when, of everything or of one account, page by page.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { go, inBothLooks, openPage, startBrowser, startSandbox } from './harness.js';

let sandbox;
let browser;
let page;
let problems;
let work;

const add = async (name) => {
  const account = await sandbox.control('accounts', { kind: 'social', email: `${name}@example.com` });
  return (await sandbox.api('POST', '/api/oauth/kiro/import', { refreshToken: account.refreshToken, name })).connection;
};
before(async () => {
  sandbox = await startSandbox();
  browser = await startBrowser();
  ({ page, problems } = await openPage(browser));
});
after(async () => {
  await browser?.close();
  await sandbox?.stop();
});

const rows = () => page.getByRole('table', { name: 'Changes' }).getByRole('row').filter({ hasNot: page.getByRole('columnheader') });
const texts = async () => (await rows().allTextContents()).map((text) => text.replaceAll(/\s+/g, ' '));

test('it is in the menu, and says that nothing was changed yet', async () => {
  await go(page, sandbox, '/');
  await page.getByRole('link', { name: 'Audit' }).click();
  await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor();
  assert.equal(await page.title(), 'Audit - OmniRoute');
  await page.getByText('Nothing yet').waitFor();
});

test('every change with who made it, the newest first', async () => {
  work = await add('work');
  await sandbox.api('PATCH', '/api/providers/work', { name: 'office' });
  await sandbox.api('POST', '/api/proxies', { name: 'tunnel', url: 'http://127.0.0.1:9' });
  await sandbox.api('PUT', '/api/proxies/assignments', { scope: 'connection', scopeId: 'office', proxyId: 'tunnel' });
  await sandbox.api('DELETE', '/api/proxies/assignments?scope=connection&scopeId=office');
  await sandbox.api('POST', '/api/keys', { name: 'laptop' });
  await sandbox.api('POST', '/api/webhooks', { name: `long-${'name-'.repeat(15)}`, url: `http://127.0.0.1:9/${'path/'.repeat(20)}` });
  await sandbox.api('POST', '/api/backup', { passphrase: 'a passphrase for the tests' });
  await go(page, sandbox, '/audit');
  await rows().first().waitFor();
  const all = await texts();
  const wanted = ['Backup made', 'Webhook added', 'Key made', 'Proxy taken away', 'Proxy assigned', 'Proxy added', 'Account renamed', 'Account imported'];
  assert.deepEqual(all.map((text) => wanted.find((one) => text.includes(one))), wanted, all.join('\n'));
  assert.match(all[6], /from work, to office/);
  assert.match(all[4], /tunnel.*to the account office \(kiro\)/);
  for (const text of all) assert.match(text, /admin@127\.0\.0\.1/);
  assert.ok(Math.abs(Date.now() - Date.parse(await rows().first().locator('time').getAttribute('datetime'))) < 600_000);
  await inBothLooks(page, 'audit');
});

test('of one account: from the row, from the choice, from the account itself, and when it was removed', async () => {
  const spare = await add('spare');
  await go(page, sandbox, '/audit');
  await page.getByRole('row', { name: /Account renamed/ }).getByRole('button', { name: 'kiro/work' }).click();
  await page.getByText('Proxy added').waitFor({ state: 'detached' });
  assert.deepEqual((await texts()).map((text) => /Account (renamed|imported)/.exec(text)[0]), ['Account renamed', 'Account imported']);
  assert.ok(page.url().endsWith(`#/audit?connection=${work.id}`), page.url());
  const choice = page.getByRole('textbox', { name: 'Account' });
  assert.equal(await choice.inputValue(), 'kiro/office');
  await choice.fill('spa');
  await page.getByRole('option', { name: 'kiro/spare' }).click();
  await page.getByText('Account renamed').waitFor({ state: 'detached' });
  assert.equal((await texts()).length, 1);
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByText('Proxy added').waitFor();
  await go(page, sandbox, '/audit?connection=office');
  await page.waitForFunction(() => document.querySelector('input[aria-label="Account"]')?.value === 'kiro/office');

  await go(page, sandbox, '/providers');
  await page.getByRole('button', { name: 'Actions for spare' }).click();
  await page.getByRole('menuitem', { name: 'History' }).click();
  await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor();
  assert.ok(page.url().endsWith(`connection=${spare.id}`), page.url());
  await sandbox.api('DELETE', '/api/providers/spare');
  await page.reload();
  await page.getByText('Account deleted').waitFor();
  await page.waitForFunction(() => document.querySelector('input[aria-label="Account"]')?.value === 'kiro/spare (removed)');
});

test('repeated ones are counted, failures and unknown actions are told, nothing is left out', async () => {
  const entry = { id: 9, at: '2026-01-02T03:04:05Z', actor: 'service', subject: 'connection', subjectId: work.id, subjectName: 'kiro/office' };
  await page.route('**/api/audit*', (route) => route.fulfill({ json: { entries: [
    { ...entry, action: 'token.refreshed', detail: { count: 12, until: Date.parse('2026-01-02T09:00:00Z') } },
    { ...entry, id: 8, action: 'connection.suspended', detail: { from: 'active', reason: 'Your account is suspended.' } },
    { ...entry, id: 7, action: 'connection.frobbed', detail: { depth: 3 } },
    { ...entry, id: 6, action: 'login.failed', actor: 'admin@192.0.2.7', subject: 'setting', subjectId: 'admin', subjectName: '', detail: {} },
  ] } }));
  await go(page, sandbox, '/audit');
  await page.getByRole('row', { name: /Token refreshed.*kiro\/office.*12 times, the last .*the service/ }).waitFor();
  await page.getByRole('row', { name: /Account suspended.*from Active: Your account is suspended\./ }).waitFor();
  await page.getByRole('row', { name: /connection\.frobbed.*depth: 3/ }).waitFor();
  await page.getByRole('row', { name: /Log-in refused.*admin@192\.0\.2\.7/ }).waitFor();
  await inBothLooks(page, 'audit-told');
  await page.unroute('**/api/audit*');
});

test('older ones come page by page, each once', async () => {
  for (let i = 0; i < 30; ++i) {
    await sandbox.api('PATCH', '/api/providers/office', { isActive: false });
    await sandbox.api('PATCH', '/api/providers/office', { isActive: true });
  }
  const { entries } = await sandbox.api('GET', '/api/audit?limit=1000');
  await go(page, sandbox, '/audit');
  await rows().first().waitFor();
  assert.equal(await rows().count(), 50);
  await page.getByRole('button', { name: 'Older' }).click();
  await page.getByText('Account imported').first().waitFor();
  assert.equal(await rows().count(), entries.length);
  assert.equal(await page.getByRole('button', { name: 'Older' }).count(), 0);
});

test('the browser had nothing to complain about', () => assert.deepEqual(problems, []));
