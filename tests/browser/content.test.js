// What was said in a request: shown while it is kept, and only then.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkLooks, go, inBothLooks, openPage, picture, startBrowser, startSandbox } from './harness.js';

let sandbox;
let browser;
let page;
let problems;
const question = 'Please look at <b>this</b> zebra 🦓, and say why.';

before(async () => {
  sandbox = await startSandbox('requests.content=on', 'requests.contentKiB=2');
  browser = await startBrowser();
  ({ page, problems } = await openPage(browser));
  const account = await sandbox.control('accounts', { kind: 'social', email: 'dev@example.com' });
  await sandbox.api('POST', '/api/oauth/kiro/import', { refreshToken: account.refreshToken, name: 'kiro-dev' });
});
after(async () => {
  await browser?.close();
  await sandbox?.stop();
});

const ask = async (content, more = {}) => {
  const response = await fetch(`${sandbox.gateway}/v1/chat/completions`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ model: 'kiro/kiro-dev', messages: [{ role: 'user', content }], ...more }),
  });
  await response.text();
  return response.headers.get('x-request-id');
};
const details = async (request) => {
  await go(page, sandbox, '/requests');
  await page.getByRole('button', { name: `Details of ${request}` }).click();
  await page.getByRole('dialog').getByText('What was asked', { exact: false }).first().waitFor();
  return page.getByRole('dialog');
};

test('the page says that what is said is kept, and the details show it as text', async () => {
  await sandbox.control('turns', { text: '# An answer\n\n<img src=x onerror=alert(1)> and שלום' });
  const request = await ask(question);
  await go(page, sandbox, '/requests');
  await page.getByText('What is said in requests is being kept', { exact: false }).waitFor();
  const dialog = await details(request);
  assert.match(await dialog.getByLabel('What was asked').textContent(), /<b>this<\/b> zebra 🦓/);
  assert.match(await dialog.getByLabel('What was answered').textContent(), /<img src=x onerror=alert\(1\)> and שלום/);
  assert.equal(await dialog.locator('img').count(), 0);
  await inBothLooks(page, 'request-content');
});

test('a long text is cut with a mark, and credentials in it are not shown', async () => {
  const request = await ask(`FIRST ${'many words '.repeat(600)} LAST`, { metadata: { headers: { 'X-Team': 'opaque-7391' } } });
  const dialog = await details(request);
  const asked = await dialog.getByLabel('What was asked').textContent();
  assert.match(asked, /FIRST[\s\S]*bytes are not kept[\s\S]*LAST/);
  assert.ok(!asked.includes('opaque-7391'));
  await inBothLooks(page, 'request-content-cut');
});

test('dropped by a button, after a question', async () => {
  const request = await ask(question);
  await go(page, sandbox, '/requests');
  await page.getByRole('button', { name: 'Drop it now' }).click();
  await picture(page, 'request-content-drop');
  await checkLooks(page, 'the question whether to drop');
  await page.getByRole('dialog').getByRole('button', { name: 'Drop it', exact: true }).click();
  await page.getByText('What was said so far is gone.').waitFor();
  await page.getByRole('button', { name: `Details of ${request}` }).click();
  await page.getByText('What was said is not kept any more.').waitFor();
  await picture(page, 'request-content-gone');
});

test('requests come by themselves; whoever reads far back is told of newer ones instead of being moved', async () => {
  await Promise.all(Array.from({ length: 8 }, async () => { for (let i = 0; i < 20; ++i) await ask('Hi'); }));
  await go(page, sandbox, '/requests');
  const rows = page.getByRole('button', { name: /^Details of/ });
  const isFirst = (request) => page.waitForFunction((name) => document.querySelector('tbody button')?.getAttribute('aria-label') === name, `Details of ${request}`);
  await isFirst(await ask('one more'));
  await page.getByRole('button', { name: 'Older' }).click();
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 100);
  await page.getByRole('button', { name: 'Older' }).click();
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 150);
  await page.waitForTimeout(1500); // what was still on its way
  const first = await rows.first().getAttribute('aria-label');
  const request = await ask('and one more');
  await page.getByRole('button', { name: 'Show the newest' }).waitFor();
  assert.equal(await rows.first().getAttribute('aria-label'), first);
  await page.getByRole('button', { name: 'Show the newest' }).click();
  await isFirst(request);
});

test('a live view that is refused is tried again', async () => {
  let refused = 0;
  await page.route('**/api/requests/live', (route) => { refused += 1; return route.fulfill({ status: 429, json: { error: { message: '4 live views are open already.' } } }); }, { times: 1 });
  await go(page, sandbox, '/requests');
  await page.getByRole('button', { name: /^Details of/ }).first().waitFor();
  assert.equal(refused, 1);
  const request = await ask('later');
  await page.getByRole('button', { name: `Details of ${request}` }).waitFor({ timeout: 25_000 });
});

test('the browser had nothing to complain about', () => assert.deepEqual(problems, []));
