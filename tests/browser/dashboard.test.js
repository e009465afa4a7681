// The documented path of a user, in a real browser over the real service and the simulator.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import { checkLooks, go, inBothLooks, openPage, picture, startBrowser, startSandbox } from './harness.js';

let sandbox;
let browser;
let page;
let problems;

before(async () => {
  sandbox = await startSandbox();
  browser = await startBrowser();
  ({ page, problems } = await openPage(browser));
});
after(async () => {
  await browser?.close();
  await sandbox?.stop();
});

afterEach(async (t) => picture(page, `end-${t.name.slice(0, 40).replaceAll(/[^a-zA-Z]+/g, '-')}`));

const open = (path) => go(page, sandbox, path);
const heading = (name) => page.getByRole('heading', { level: 1, name }).waitFor();

test('a fresh installation says what to do first, and that nobody has set a password', async () => {
  const response = await page.goto(`${sandbox.gateway}/`);
  const policy = response.headers()['content-security-policy'];
  assert.match(policy, /script-src 'self'/);
  assert.match(policy, /frame-ancestors 'none'/);
  await heading('Overview');
  await page.getByText('Three steps to start').waitFor();
  await page.getByText('Nobody has set an admin password', { exact: false }).waitFor();
  await picture(page, 'overview-empty');
});

test('the page is small, cached by name, and not sent twice', async () => {
  const html = await (await fetch(`${sandbox.gateway}/`, { headers: { Accept: 'text/html' } })).text();
  const names = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map((m) => m[1]);
  assert.ok(names.length >= 2, html);
  let bytes = 0;
  for (const name of names) {
    const asset = await fetch(`${sandbox.gateway}/${name}`, { headers: { 'Accept-Encoding': 'gzip' } });
    assert.equal(asset.status, 200, name);
    assert.match(asset.headers.get('cache-control'), /immutable/);
    bytes += Number(asset.headers.get('content-length'));
    const again = await fetch(`${sandbox.gateway}/${name}`, { headers: { 'If-None-Match': asset.headers.get('etag') } });
    assert.equal(again.status, 304, name);
  }
  assert.ok(bytes < 250_000, `the first page is ${bytes} bytes compressed`);
});

test('Providers -> Add Provider -> Kiro, import token: errors stand at their field, then the account is active', async () => {
  await open('/providers');
  await page.getByRole('link', { name: 'Add provider' }).click();
  await heading('Add provider');
  await page.getByRole('textbox', { name: 'How to sign in' }).click();
  await page.getByRole('option', { name: 'Import token' }).click();
  await page.getByLabel(/Refresh token/).fill('aorAAAAAGshort...');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText('cut short', { exact: false }).waitFor();
  await picture(page, 'add-error');

  const account = await sandbox.control('accounts', { kind: 'social', email: 'dev@example.com' });
  await page.getByLabel(/Refresh token/).fill(account.refreshToken);
  await page.getByText('A refresh token.').waitFor();
  await page.getByLabel('Name', { exact: true }).fill('kiro-dev');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await heading('Providers');
  const card = page.getByRole('article', { name: 'kiro/kiro-dev' });
  await card.getByText('Active', { exact: true }).waitFor();
});

test('the same token again is refused and leads to the account that has it', async () => {
  // Import without rotation, or the pasted token would no longer be the account's.
  await sandbox.control('policy', { rotate: 'never' });
  const account = await sandbox.control('accounts', { kind: 'social', email: 'twice@example.com' });
  const first = await sandbox.api('POST', '/api/oauth/kiro/import', { refreshToken: account.refreshToken, name: 'twice' });
  await open('/providers/add?method=import_token');
  await page.getByLabel(/Refresh token/).fill(account.refreshToken);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  const link = page.getByRole('link', { name: 'Show that account' });
  await link.waitFor();
  assert.match(await link.getAttribute('href'), new RegExp(first.connection.id));
  await sandbox.api('DELETE', `/api/providers/${first.connection.id}`);
  await sandbox.control('policy', { rotate: 'always' });
});

test('device code: code, QR, waiting, then signed in once it is approved', async () => {
  await open('/providers/add?method=builder_id');
  await page.getByLabel('Name', { exact: true }).fill('kiro-pro');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByRole('img', { name: 'QR code of the sign-in page' }).waitFor();
  const code = (await page.locator('.code').textContent()).trim();
  assert.match(code, /^[A-Z0-9]{4}-[A-Z0-9]{4}$/);
  await picture(page, 'device-code');
  await sandbox.control('device/approve', { userCode: code, email: 'pro@example.com' });
  await page.getByText('kiro-pro is signed in').waitFor({ timeout: 30_000 });
  await picture(page, 'device-code-done');
  await page.getByRole('link', { name: 'Show it' }).click();
  await page.getByRole('article', { name: 'kiro/kiro-pro' }).getByText('Isolated').waitFor();
});

test('the info icon shows the raw record: clientId in plain, no secret', async () => {
  await open('/providers');
  await page.getByRole('article', { name: 'kiro/kiro-dev' }).getByText(/of 50 credits left/).waitFor({ timeout: 30_000 });
  await picture(page, 'providers');
  await page.getByRole('button', { name: 'Raw JSON of kiro-dev' }).click();
  const dialog = page.getByRole('dialog');
  const text = await dialog.locator('pre, code').first().textContent();
  assert.match(text, /"clientId"/);
  assert.match(text, /••••/);
  assert.doesNotMatch(text, /ao[ar]AAAAA/);
  await picture(page, 'raw');
  await page.keyboard.press('Escape');
});

test('test, refresh, rename, disable and enable from the menu', async () => {
  await open('/providers');
  const menu = async (name, item) => {
    await page.getByRole('button', { name: `Actions for ${name}` }).click();
    await page.getByRole('menuitem', { name: item, exact: true }).click();
  };
  await menu('kiro-dev', 'Test');
  await page.getByRole('dialog').getByText('It works').waitFor();
  await picture(page, 'test');
  await page.keyboard.press('Escape');
  await menu('kiro-dev', 'Refresh the token');
  await page.getByText('kiro-dev has a new token.').waitFor();
  await menu('kiro-dev', 'Rename');
  await page.getByRole('dialog').getByLabel('Name').fill('kiro-🦊 عمل');
  await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('article', { name: 'kiro/kiro-🦊 عمل' }).waitFor();
  await menu('kiro-🦊 عمل', 'Rename');
  await page.getByRole('dialog').getByLabel('Name').fill('kiro-dev');
  await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
  await menu('kiro-dev', 'Disable');
  await page.getByRole('article', { name: 'kiro/kiro-dev' }).getByText('Disabled', { exact: true }).waitFor();
  await menu('kiro-dev', 'Enable');
  await page.getByRole('article', { name: 'kiro/kiro-dev' }).getByText('Active', { exact: true }).waitFor();
});

test('a combo of both, explained, and a chat that shows who answered', async () => {
  await open('/combos');
  await page.getByRole('button', { name: 'New combo' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('my-kiro');
  const targets = dialog.getByLabel('Add accounts, models or combos');
  for (const target of ['kiro/kiro-dev', 'kiro/kiro-pro']) {
    await targets.fill(target);
    await targets.press('Enter');
    await dialog.getByText(target, { exact: true }).waitFor();
  }
  await picture(page, 'combo-edit');
  await dialog.getByRole('button', { name: 'Save' }).click();
  const card = page.getByRole('article', { name: 'my-kiro' });
  await card.waitFor();
  await card.getByRole('button', { name: 'Explain' }).click();
  await page.getByRole('dialog').getByText('kiro/kiro-dev would answer now', { exact: false }).waitFor();
  await picture(page, 'combo-explain');
  await page.keyboard.press('Escape');

  await card.getByRole('link', { name: 'Try it' }).click();
  await heading('Playground');
  await page.getByLabel('Message').fill('Hello dashboard');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText('You said: Hello dashboard').waitFor();
  await page.getByText('kiro-dev', { exact: true }).first().waitFor();
  await picture(page, 'playground');
});

test('the order of a combo changes by keyboard', async () => {
  await open('/combos');
  await page.getByRole('article', { name: 'my-kiro' }).getByRole('button', { name: 'Edit' }).click();
  const dialog = page.getByRole('dialog');
  const handle = dialog.getByRole('button', { name: 'Move kiro/kiro-dev', exact: true });
  await handle.focus();
  await page.keyboard.press('Space');
  await page.waitForFunction(() => document.querySelector('[aria-pressed="true"]'));
  await page.keyboard.press('ArrowDown');
  await page.waitForTimeout(300); // the library's own animation frame
  await page.keyboard.press('Space');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  const { combos } = await sandbox.api('GET', '/api/combos');
  assert.deepEqual(combos.find((c) => c.name === 'my-kiro').models, ['kiro/kiro-pro', 'kiro/kiro-dev']);
});

test('saving a combo sends only what was changed', async () => {
  await open('/combos');
  await page.getByRole('article', { name: 'my-kiro' }).getByRole('button', { name: 'Edit' }).click();
  const dialog = page.getByRole('dialog', { name: 'Edit my-kiro' });
  const save = dialog.getByRole('button', { name: 'Save' });
  assert.ok(await save.isDisabled(), 'there is nothing to save yet');
  await dialog.getByText('A conversation stays with its account').click();
  const sent = page.waitForRequest((request) => request.method() === 'PUT');
  await save.click();
  assert.deepEqual((await sent).postDataJSON(), { options: { sticky: false } });
  await dialog.waitFor({ state: 'detached' });
});

test('a combo that somebody else changed meanwhile is not overwritten: it can be read again', async () => {
  await open('/combos');
  await page.getByRole('article', { name: 'my-kiro' }).getByRole('button', { name: 'Edit' }).click();
  await page.getByRole('dialog', { name: 'Edit my-kiro' }).getByLabel('Name').fill('mine');
  await sandbox.api('PUT', '/api/combos/my-kiro', { name: 'theirs' });
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('Somebody else changed this combo meanwhile').waitFor();
  await picture(page, 'combo-outdated', false);
  await checkLooks(page, 'an outdated combo');
  await dialog.getByRole('button', { name: 'Read it again' }).click();
  await page.getByRole('dialog', { name: 'Edit theirs' }).waitFor();
  assert.equal(await dialog.getByLabel('Name').inputValue(), 'theirs');
  await dialog.getByLabel('Name').fill('my-kiro');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('article', { name: 'my-kiro' }).waitFor();
});

test('Health: both accounts with their next check', async () => {
  await open('/health');
  for (const name of ['kiro/kiro-dev', 'kiro/kiro-pro']) await page.getByRole('row', { name: new RegExp(name) }).waitFor();
  await page.getByText('The service and its store answer.').waitFor();
  await picture(page, 'health');
});

test('Requests: the chat is there, with who served it', async () => {
  await open('/requests');
  await page.getByRole('row', { name: /my-kiro.*kiro-dev/ }).first().waitFor();
  await page.getByRole('button', { name: /^Details/ }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('kiro/kiro-dev', { exact: true }).waitFor();
  await dialog.getByText('What was said is not kept.', { exact: false }).waitFor();
  await dialog.getByText('Raw JSON').click();
  await dialog.getByText('requestId', { exact: false }).waitFor();
  await picture(page, 'request');
  await page.keyboard.press('Escape');
});

test('Requests: by model and by caller; one that failed says who was tried last, not who served it', async () => {
  await sandbox.control('turns', { status: 400, body: { __type: 'x#ValidationException', message: 'no' } });
  await fetch(`${sandbox.gateway}/v1/chat/completions`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ model: 'kiro/kiro-pro', messages: [{ role: 'user', content: 'x' }] }) });
  await open('/requests');
  const failed = page.getByRole('row', { name: /kiro\/kiro-pro tried last: kiro-pro/ });
  await failed.waitFor();
  await failed.getByRole('button', { name: /^Details/ }).click();
  await page.getByRole('dialog').getByText('Tried last', { exact: true }).waitFor();
  assert.equal(await page.getByRole('dialog').getByText('Served by').count(), 0);
  await page.keyboard.press('Escape');
  await page.getByRole('textbox', { name: 'Model' }).fill('my-kir');
  await page.getByText('Names count when they are whole.').waitFor();
  await page.getByRole('option', { name: 'my-kiro', exact: true }).click();
  await page.getByRole('row', { name: /my-kiro/ }).first().waitFor();
  assert.equal(await failed.count(), 0);
  await page.getByRole('textbox', { name: 'Asked by' }).fill('key:nobody');
  await page.getByText('Nothing of that kind').waitFor();
  await picture(page, 'requests-filtered');
});

test('Settings -> Proxies: add, test, assign to an account', async () => {
  await open('/settings');
  await page.getByRole('button', { name: 'Add a proxy' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Host').fill('127.0.0.1');
  await dialog.getByLabel('Port').fill('1');
  await dialog.getByLabel('Name').fill('office');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('http://127.0.0.1:1', { exact: false }).waitFor();
  await page.getByRole('button', { name: 'Test', exact: true }).click();
  await page.getByRole('alert').filter({ hasText: 'could not get through the proxy' }).waitFor();
  await picture(page, 'settings');
  await open('/providers');
  await page.getByRole('button', { name: 'Actions for kiro-pro' }).click();
  await page.getByRole('menuitem', { name: 'Proxy' }).click();
  await page.getByRole('dialog').getByRole('textbox', { name: 'All calls of this account go through' }).click();
  await page.getByRole('option', { name: 'Direct, no proxy' }).click();
  await page.waitForFunction(async () => (await (await fetch('api/proxies/assignments')).json()).assignments.some((a) => a.scope === 'connection' && a.proxyId === 'direct'));
  await page.getByText('direct, no proxy', { exact: true }).waitFor(); // on the account's card, behind the dialog
  await page.keyboard.press('Escape');
});

test('Settings -> Backup: downloaded under a passphrase, laid ready to come back, and called off', async () => {
  await open('/settings');
  const button = page.getByRole('button', { name: 'Download a backup' });
  await page.getByLabel('Passphrase of the backup').fill('correct horse battery staple');
  await page.getByLabel('Once more').fill('correct horse');
  await page.getByText('This differs from the first one.').waitFor();
  assert.ok(await button.isDisabled());
  await page.getByLabel('Once more').fill('correct horse battery staple');
  const arrives = page.waitForEvent('download');
  await button.click();
  const download = await arrives;
  assert.match(download.suggestedFilename(), /^omniroute-backup-.*\.json$/);
  const file = await download.path();
  const saved = readFileSync(file, 'utf8');
  assert.equal(JSON.parse(saved).format, 'omniroute-backup');
  assert.ok(!saved.includes('kiro-pro'), 'a name can be read in the backup');
  await page.locator('input[type=file]').setInputFiles({ name: 'backup.json', mimeType: 'application/json', buffer: Buffer.from(saved) });
  await page.getByLabel('Its passphrase').fill('a wrong one, surely');
  await page.getByRole('button', { name: 'Restore', exact: true }).click();
  await page.getByText('passphrase is wrong', { exact: false }).waitFor();
  await page.getByLabel('Its passphrase').fill('correct horse battery staple');
  await page.getByRole('button', { name: 'Restore', exact: true }).click();
  await page.getByText('A backup waits for the next start').waitFor();
  await picture(page, 'settings-restore');
  await page.getByRole('button', { name: 'Do not restore it' }).click();
  await page.getByLabel('Bring a backup back').waitFor();
});

test('Keys: shown once, listed masked', async () => {
  await open('/keys');
  await page.getByRole('button', { name: 'New key' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('laptop');
  await page.getByRole('dialog').getByRole('button', { name: 'Make it' }).click();
  const dialog = page.getByRole('dialog', { name: 'Your new key' });
  const secret = (await dialog.locator('pre, code').first().textContent()).trim();
  assert.ok(secret.length >= 32);
  await picture(page, 'key');
  await page.keyboard.press('Escape');
  await page.getByRole('article', { name: 'laptop' }).waitFor();
  assert.ok(!(await page.content()).includes(secret), 'the key is on the page after it was closed');
});

test('Keys: every limit is shown and can be changed, what was not touched is not sent, and what is gone is marked', async () => {
  await sandbox.api('PATCH', '/api/keys/laptop', { combos: ['my-kiro', 'vanished'], models: ['kiro/*', 'kiro/nobody/claude-sonnet-4.5'], budgets: { creditsPerMonth: 500 } });
  await open('/keys');
  const card = page.getByRole('article', { name: 'laptop' });
  await card.getByText('only my-kiro, vanished (not there any more)').waitFor();
  await card.getByText('only kiro/*, kiro/nobody/claude-sonnet-4.5 (not there any more)').waitFor();
  await card.getByText('of 500 credits', { exact: false }).waitFor();
  await card.getByRole('button', { name: 'Edit' }).click();
  const dialog = page.getByRole('dialog', { name: 'Edit laptop' });
  await dialog.getByText('Not there any more: vanished, kiro/nobody/claude-sonnet-4.5').waitFor();
  assert.ok(await dialog.getByRole('button', { name: 'Save' }).isDisabled(), 'there is nothing to save yet');
  await dialog.getByLabel('Requests a minute').fill('60');
  await dialog.getByLabel('Credits a month').fill('');
  await dialog.getByText('More limits').click();
  await dialog.getByLabel('Tokens a day').fill('0');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('alert').filter({ hasText: 'tokensPerDay' }).waitFor();
  await dialog.getByLabel('Tokens a day').fill('1000000');
  await dialog.getByLabel('Requests at once').fill('4');
  await dialog.getByLabel('Expires').fill('2037-01-01T12:00');
  await picture(page, 'key-edit', false);
  await checkLooks(page, 'the editor of a key');
  const sent = page.waitForRequest((request) => request.method() === 'PATCH');
  await dialog.getByRole('button', { name: 'Save' }).click();
  // Saved, and the names that nothing answers to are told of, in a region that a screen reader follows.
  const told = dialog.locator('[aria-live="polite"]').filter({ hasText: 'The key is saved' });
  await told.getByText('No combo "vanished" is there at present.').waitFor();
  await told.getByText('No account, provider or model answers to "kiro/nobody/claude-sonnet-4.5" at present.').waitFor();
  await page.waitForFunction(() => [...document.querySelectorAll('[aria-live="polite"] li')].every((one) => one.getBoundingClientRect().bottom < innerHeight)); // in sight
  assert.equal(await dialog.getByText('Not there any more').count(), 0, 'it is said twice');
  assert.ok(await dialog.getByRole('button', { name: 'Save' }).isDisabled(), 'all of it is saved');
  await inBothLooks(page, 'key-warned', false);
  const expiresAt = new Date(await page.evaluate(() => Date.parse('2037-01-01T12:00'))).toISOString();
  assert.deepEqual((await sent).postDataJSON(), { requestsPerMinute: 60, maxConcurrent: 4, expiresAt, budgets: { creditsPerMonth: null, tokensPerDay: 1000000 } });
  await dialog.getByRole('button', { name: 'Close', exact: true }).filter({ hasText: 'Close' }).click();
  await dialog.waitFor({ state: 'detached' });
  await card.getByText('60 requests a minute, 4 at once').waitFor();
  const key = await sandbox.api('GET', '/api/keys/laptop');
  assert.deepEqual(key.models, ['kiro/*', 'kiro/nobody/claude-sonnet-4.5']);
  assert.equal(key.budgets.creditsPerMonth, null);
  assert.equal(key.budgets.tokensPerDay, 1000000);
});

test('Keys: a new one takes combos and models from what there is', async () => {
  await open('/keys');
  await page.getByRole('button', { name: 'New key' }).click();
  const dialog = page.getByRole('dialog', { name: 'New key' });
  await dialog.getByLabel('Name').fill('picky');
  await dialog.getByLabel('Only these combos').fill('my-');
  await page.getByRole('option', { name: 'my-kiro' }).click();
  await dialog.getByLabel('Only these models and accounts').fill('kiro/kiro-de');
  await page.getByRole('option', { name: 'kiro/kiro-dev', exact: true }).click();
  await dialog.getByLabel('Only these models and accounts').fill('kiro/claude-*');
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Make it' }).click();
  await page.getByRole('dialog', { name: 'Your new key' }).waitFor();
  await page.keyboard.press('Escape');
  const key = await sandbox.api('GET', '/api/keys/picky');
  assert.deepEqual([key.combos, key.models], [['my-kiro'], ['kiro/kiro-dev', 'kiro/claude-*']]);
});

test('Keys: a new one with a name that nothing answers to says so beside its secret; without such a name it just closes', async () => {
  await open('/keys');
  await page.getByRole('button', { name: 'New key' }).click();
  const form = page.getByRole('dialog', { name: 'New key' });
  await form.getByLabel('Name').fill('early');
  await form.getByLabel('Only these combos').fill('my-kiro');
  await page.keyboard.press('Enter');
  await form.getByLabel('Only these models and accounts').fill('my-kiro');
  await page.keyboard.press('Enter');
  await form.getByRole('button', { name: 'Make it' }).click();
  const dialog = page.getByRole('dialog', { name: 'Your new key' });
  await dialog.locator('[aria-live="polite"]').getByText('Only combos answer to "my-kiro"', { exact: false }).waitFor();
  assert.ok((await dialog.locator('pre, code').first().textContent()).trim().length >= 32);
  await inBothLooks(page, 'key-made-warned', false);
  await page.keyboard.press('Escape');
  await page.getByRole('article', { name: 'early' }).getByRole('button', { name: 'Edit' }).click();
  const edit = page.getByRole('dialog', { name: 'Edit early' });
  await edit.getByLabel('Only these models and accounts').press('Backspace');
  await edit.getByRole('button', { name: 'Save' }).click();
  await edit.waitFor({ state: 'detached' });
  await sandbox.api('DELETE', '/api/keys/early');
});

test('deleting an account names its consequences in every combo that reaches it, and the combos say what is left', async () => {
  await sandbox.api('POST', '/api/combos', { name: 'several', targets: [{ provider: 'kiro', connections: ['kiro-dev', 'kiro-pro'] }] });
  await sandbox.api('POST', '/api/combos', { name: 'only-pro', targets: ['kiro/kiro-pro/claude-sonnet-4.5'] });
  await sandbox.api('POST', '/api/combos', { name: 'nested', targets: ['only-pro'] });
  await sandbox.api('POST', '/api/combos', { name: 'only-dev', targets: ['kiro/kiro-dev'] });
  await open('/providers');
  await page.getByRole('button', { name: 'Actions for kiro-pro' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Used by my-kiro, nested, only-pro, several. Nothing else is left in nested, only-pro: requests for them will fail.').waitFor();
  await picture(page, 'delete');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('article', { name: 'kiro/kiro-pro' }).waitFor({ state: 'detached' });
  await open('/combos');
  const card = (name) => page.getByRole('article', { name, exact: true });
  for (const name of ['my-kiro', 'several']) await card(name).getByText('Gone: kiro/kiro-pro. The others serve on.').waitFor();
  await card('only-pro').getByText('Gone: kiro/kiro-pro. Nothing is left to serve: requests fail.').waitFor();
  await card('nested').getByText('Nothing is left to serve: requests fail.').waitFor();
  assert.equal(await card('only-dev').getByText('left to serve').count(), 0);
  await picture(page, 'combos-gone');
  await card('my-kiro').getByRole('button', { name: 'Edit' }).click();
  await dialog.getByText('(kiro/kiro-pro is gone)').waitFor();
  await dialog.getByLabel('Name').fill('renamed'); // which needs no targets
  await dialog.getByRole('button', { name: 'Save' }).click();
  await card('renamed').waitFor();
  await sandbox.api('PUT', '/api/combos/renamed', { name: 'my-kiro' });
  for (const name of ['nested', 'only-pro', 'several', 'only-dev']) await sandbox.api('DELETE', `/api/combos/${name}`);
});

test('every page: nothing serious for axe, light and dark, narrow and wide, nothing sticks out', async () => {
  for (const path of ['/', '/providers', '/providers/add', '/combos', '/health', '/requests', '/audit', '/keys', '/playground', '/settings']) {
    for (const [scheme, width] of [['light', 1280], ['dark', 360]]) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme: scheme });
      await open(path);
      await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
      await picture(page, `page${path.replaceAll('/', '-')}-${scheme}-${width}`);
      await checkLooks(page, `${path} ${scheme} ${width}`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
});

test('with a password the page asks for it, and a wrong one says so', async () => {
  await open('/settings');
  await page.getByLabel('New password').fill('correct horse battery');
  await page.getByRole('button', { name: 'Set', exact: true }).click();
  await page.getByText('The password is set.').waitFor();
  const stranger = await browser.newContext();
  const other = await stranger.newPage();
  await other.goto(`${sandbox.gateway}/`);
  await other.getByLabel('Admin password').fill('wrong wrong wrong');
  await other.getByRole('button', { name: 'Log in' }).click();
  await other.getByRole('alert').waitFor();
  await picture(other, 'login');
  await other.getByLabel('Admin password').fill('correct horse battery');
  await other.getByRole('button', { name: 'Log in' }).click();
  await other.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  const [cookie] = await stranger.cookies();
  assert.equal(cookie.httpOnly, true);
  assert.equal(cookie.sameSite, 'Strict');
  await stranger.close();
});

test('a service that is gone is said to be gone, and nothing is lost on the page', async () => {
  await open('/providers');
  await page.route('**/api/**', (route) => route.abort());
  await page.getByText('Not reachable').waitFor({ timeout: 20_000 });
  await page.getByRole('article', { name: 'kiro/kiro-dev' }).waitFor();
  await page.unroute('**/api/**');
});

test('the browser had nothing to complain about', () => {
  assert.deepEqual(problems, []);
});
