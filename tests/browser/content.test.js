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

test('the browser had nothing to complain about', () => assert.deepEqual(problems, []));
