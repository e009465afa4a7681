// Each page while the service is slow, fails, has nothing, or is older than the page: it says so, stays usable, and comes back
// by itself or by a button.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkLooks, openPage, picture, startBrowser, startSandbox } from './harness.js';

const paths = ['/', '/providers', '/providers/add', '/combos', '/health', '/requests', '/audit', '/keys', '/playground', '/settings'];
let sandbox;
let browser;

before(async () => {
  sandbox = await startSandbox();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await sandbox?.stop();
});

const name = (path) => path.replaceAll('/', '-');
// A new page, with what the service answers in between. The session is left alone: without it there is no page at all.
const look = async (path, between) => {
  const opened = await openPage(browser);
  await opened.page.route(/\/(api|v1)\//, (route) => (route.request().url().includes('/api/auth/session') ? route.continue() : between(route)));
  await opened.page.goto(`${sandbox.gateway}/#${path}`);
  await opened.page.getByRole('heading', { level: 1 }).waitFor();
  return opened;
};
const done = async ({ page, problems }) => {
  assert.deepEqual(problems, []);
  await page.context().close();
};

test('nothing yet', async () => {
  for (const path of paths) {
    const opened = await look(path, (route) => route.continue());
    await opened.page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
    await picture(opened.page, `empty${name(path)}`);
    await done(opened);
  }
});

test('a slow service: the page is there, says that it loads, and then has everything', async () => {
  for (const path of paths) {
    let open;
    const gate = new Promise((resolve) => { open = resolve; });
    const opened = await look(path, async (route) => { await gate; await route.continue().catch(() => {}); });
    await opened.page.waitForTimeout(300);
    await picture(opened.page, `slow${name(path)}`);
    await checkLooks(opened.page, `slow ${path}`);
    const busy = await opened.page.locator('[aria-busy="true"]').count();
    assert.ok(busy > 0, `${path} does not say that it loads`);
    open();
    await opened.page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
    await done(opened);
  }
});

test('a service that fails: its words, and a way to try again', async () => {
  for (const path of paths) {
    let failing = true;
    const opened = await look(path, (route) => (failing ? route.fulfill({ status: 503, json: { error: { message: 'The database cannot be read: the disk is full.', code: 'store' } } }) : route.continue()));
    const { page } = opened;
    await page.getByText('The database cannot be read', { exact: false }).first().waitFor({ timeout: 30_000 });
    await picture(page, `failed${name(path)}`);
    await checkLooks(page, `failed ${path}`);
    failing = false;
    await page.getByRole('button', { name: 'Try again' }).first().click({ timeout: 2_000 }).catch(() => {}); // or it was quicker by itself
    await page.waitForFunction(() => !document.body.textContent.includes('The database cannot be read'), undefined, { timeout: 45_000 });
    await done(opened);
  }
});

test('a service older than the page: what it lacks is said, everything else works', async () => {
  const opened = await look('/settings', (route) => (route.request().url().includes('/api/webhooks') ? route.fulfill({ status: 404, json: { error: { message: 'There is nothing at this address.', code: 'not_found' } } }) : route.continue()));
  await opened.page.getByText('There is nothing at this address.').waitFor();
  await opened.page.getByRole('button', { name: 'Add a proxy' }).waitFor();
  await picture(opened.page, 'old-settings');
  await done(opened);
});

test('somebody else changed or removed it meanwhile: that is said, and the list is read anew', async () => {
  await sandbox.api('POST', '/api/proxies', { name: 'office', url: 'http://127.0.0.1:9' });
  const opened = await look('/settings', (route) => route.continue());
  const { page } = opened;
  await page.getByRole('paragraph').filter({ hasText: 'office' }).waitFor();
  await sandbox.api('DELETE', '/api/proxies/office');
  await page.getByRole('button', { name: 'Test', exact: true }).click();
  await page.getByRole('alert').filter({ hasText: 'No proxy' }).waitFor();
  await picture(page, 'gone-proxy');
  await page.getByRole('paragraph').filter({ hasText: 'office' }).waitFor({ state: 'detached' });
  await done(opened);
});

test('a suspended account: who can lift it is said, and signing in again is not offered as if it helped', async () => {
  const names = ['locked', 'fine'];
  for (const [i, account] of names.entries()) {
    const made = await sandbox.control('accounts', { kind: 'social', email: `${account}@example.com` });
    await sandbox.api('POST', '/api/oauth/kiro/import', { refreshToken: made.refreshToken, name: account });
    if (i === 0) await sandbox.control(`accounts/${made.accountId}`, { suspended: true });
  }
  await fetch(`${sandbox.gateway}/v1/chat/completions`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ model: 'kiro/locked', messages: [{ role: 'user', content: 'Hi' }] }) });
  const opened = await look('/providers', (route) => route.continue());
  const { page } = opened;
  const items = async (account) => {
    await page.getByRole('button', { name: `Actions for ${account}` }).click();
    await page.getByRole('menuitem', { name: 'Test' }).waitFor();
    const all = await page.getByRole('menuitem').allTextContents();
    await picture(page, `menu-${account}`);
    await page.keyboard.press('Escape');
    await page.getByRole('menuitem').first().waitFor({ state: 'detached' });
    return all;
  };
  const locked = page.getByRole('article', { name: 'kiro/locked' });
  await locked.getByText("AWS has suspended this account. Signing in again does not help: only AWS's or Kiro's support can lift it.", { exact: false }).waitFor();
  assert.ok(!(await items('locked')).includes('Sign in again'));
  assert.ok((await items('fine')).includes('Sign in again'));
  assert.equal(await page.getByText('AWS has suspended this account', { exact: false }).count(), 1);
  await checkLooks(page, 'suspended');
  await done(opened);
});
