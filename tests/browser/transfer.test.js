// Accounts out of one service into a file and into another, by the dashboard.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { checkLooks, go, inBothLooks, openPage, picture, startBrowser, startSandbox } from './harness.js';

const passphrase = 'a passphrase for the tests';
let here;
let there;
let browser;
let page;
let problems;
let printed = '';
let all;
let one;

const add = async (service, name) => {
  const account = await service.control('accounts', { kind: 'social', email: `${name}@example.com` });
  return (await service.api('POST', '/api/oauth/kiro/import', { refreshToken: account.refreshToken, name })).connection;
};
before(async () => {
  [here, there] = await Promise.all([startSandbox(), startSandbox()]);
  for (const name of ['work', 'home', 'spare']) await add(here, name);
  await here.api('POST', '/api/combos', { name: 'both', targets: ['kiro/work', 'kiro/home'] });
  browser = await startBrowser();
  ({ page, problems } = await openPage(browser, { acceptDownloads: true }));
  page.on('console', (message) => { printed += message.text(); });
});
after(async () => {
  await browser?.close();
  await Promise.all([here?.stop(), there?.stop()]);
});

const dialog = () => page.getByRole('dialog');
const button = (name) => dialog().getByRole('button', { name, exact: true });
const saved = async (name) => {
  const arrives = page.waitForEvent('download');
  await button(name).click();
  const download = await arrives;
  assert.match(download.suggestedFilename(), /^omniroute-accounts-\d{4}-\d\d-\d\d\.json$/);
  return readFileSync(await download.path(), 'utf8');
};
const put = async (text, secret = passphrase) => {
  await go(page, there, '/providers');
  await page.getByRole('button', { name: 'Import a file…' }).click();
  await page.locator('input[type=file]').setInputFiles({ name: 'accounts.json', mimeType: 'application/json', buffer: Buffer.from(text) });
  await dialog().getByLabel('Its passphrase').fill(secret);
  await button('Import').click();
};
const row = (name) => dialog().getByRole('list', { name: 'Accounts' }).getByRole('listitem').filter({ hasText: name });
const nowhere = async () => {
  const kept = await page.evaluate(() => JSON.stringify([location.href, { ...localStorage }, { ...sessionStorage }, document.cookie, [...document.querySelectorAll('input')].map((i) => i.value)]));
  assert.ok(!kept.includes(passphrase) && !printed.includes(passphrase), 'the passphrase stays somewhere');
};

test('a service without accounts has nothing to export', async () => {
  await go(page, there, '/providers');
  await page.getByText('No account yet').waitFor();
  await page.getByRole('button', { name: 'Import a file…' }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Export accounts…' }).count(), 0);
});

test('all accounts: warned of, under a passphrase that is long enough and written twice', async () => {
  await go(page, here, '/providers');
  await page.getByRole('button', { name: 'Export accounts…' }).click();
  await dialog().getByText('Whoever opens the file has the accounts').waitFor();
  const first = dialog().getByLabel('Passphrase of the file');
  assert.equal(await first.getAttribute('autocomplete'), 'new-password');
  await first.fill('too short');
  await dialog().getByLabel('Once more').fill('too short');
  assert.ok(await button('Export 3').isDisabled(), 'a short passphrase is taken');
  await first.fill(passphrase);
  await dialog().getByText('This differs from the first one.').waitFor();
  assert.ok(await button('Export 3').isDisabled(), 'a slip is taken');
  await inBothLooks(page, 'export', false);
  await dialog().getByLabel('Once more').fill(passphrase);
  all = await saved('Export 3');
  await dialog().waitFor({ state: 'detached' });
  await page.getByText('3 accounts are in the downloaded file.', { exact: false }).waitFor();
  assert.equal(JSON.parse(all).format, 'omniroute-bundle');
  assert.ok(!all.includes('work'), 'a name can be read in the file');
  await nowhere();
});

test('one account of them', async () => {
  await page.getByRole('button', { name: 'Export accounts…' }).click();
  assert.equal(await dialog().getByLabel('Passphrase of the file').inputValue(), '');
  await dialog().getByText('Some of them').click();
  assert.ok(await button('Export').isDisabled(), 'none is chosen');
  await dialog().getByRole('textbox', { name: 'Accounts' }).fill('wor');
  await page.getByRole('option', { name: 'kiro/work' }).click();
  await dialog().getByLabel('Passphrase of the file').fill(passphrase);
  await dialog().getByLabel('Once more').fill(passphrase);
  await inBothLooks(page, 'export-one', false);
  const sent = page.waitForRequest((request) => request.url().endsWith('/api/export'));
  one = await saved('Export 1');
  const [work] = (await here.api('GET', '/api/providers')).connections.filter((c) => c.name === 'work');
  assert.deepEqual((await sent).postDataJSON(), { passphrase, connections: [work.id] });
});

test('what cannot be read is said at its field, and nothing is taken', async () => {
  await put(one, 'another passphrase');
  await dialog().getByRole('alert').filter({ hasText: 'The passphrase is wrong' }).waitFor();
  await picture(page, 'import-wrong', false);
  await checkLooks(page, 'a wrong passphrase');
  await put('{"no":"bundle"}');
  await dialog().getByRole('alert').filter({ hasText: 'no usable bundle' }).waitFor();
  await put(JSON.stringify(await there.api('POST', '/api/backup', { passphrase })));
  await dialog().getByRole('alert').filter({ hasText: 'This is a backup of a whole service.' }).waitFor();
  assert.equal((await there.api('GET', '/api/providers')).total, 0);
});

test('imported: each account with what became of it, new, already here, or under another name', async () => {
  await put(one);
  await dialog().getByText('1 account is new.').waitFor();
  await row('work').getByText('New', { exact: true }).waitFor();
  await dialog().getByText('is now held here and where the bundle was made', { exact: false }).waitFor();
  await nowhere();
  await button('Close').filter({ hasText: 'Close' }).click();
  await page.getByRole('article', { name: 'kiro/work' }).waitFor();

  await there.api('PATCH', '/api/providers/work', { name: 'office' });
  await add(there, 'home');
  await put(all);
  await dialog().locator('[aria-live="polite"]').getByText('2 accounts are new, 1 already here.').waitFor();
  await row('work').getByText('Already here').waitFor();
  await row('work').getByText('It is called office here.', { exact: false }).waitFor();
  await row('home-2').getByText('It was called home, a name that another account has here.').waitFor();
  await row('spare').getByText('New', { exact: true }).waitFor();
  await dialog().getByRole('list', { name: 'Combos' }).getByText('both').waitFor();
  await inBothLooks(page, 'imported', false);
  await button('Close').filter({ hasText: 'Close' }).click();
  await page.getByRole('article', { name: 'kiro/home-2' }).waitFor();
  await inBothLooks(page, 'providers-transfer');
});

test('an account that is refused says why', async () => {
  await page.route('**/api/import/bundle', (route) => route.fulfill({ json: { success: false, imported: 0, skipped: 0, refused: 1, results: [{ index: 0, name: 'x', result: 'refused', reason: 'There is no provider ai here: install its plugin.' }] } }));
  await put(one);
  await dialog().getByText('0 accounts are new, 1 not taken.').waitFor();
  await row('x').getByText('There is no provider ai here: install its plugin.').waitFor();
  await page.unroute('**/api/import/bundle');
});

test('the browser had nothing to complain about', () => assert.deepEqual(problems, []));
