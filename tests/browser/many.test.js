// 500 accounts: the pages that list them are there at once and stay smooth. The bounds are generous, for a busy machine;
// docs/performance.md has figures of a quiet one.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checkLooks, go, inBothLooks, openPage, picture, startBrowser, startSandbox } from './harness.js';

const count = 500;
let sandbox;
let browser;
let page;
let problems;
const states = ['active', 'active', 'active', 'active', 'cooling', 'exhausted', 'suspended', 'reauth_required', 'active', 'disabled'];
const nameOf = (i) => (i === 7 ? `👩‍🚀 عمل ${'long-name-'.repeat(8)}` : `account-${String(i).padStart(3, '0')}`);
const born = Date.now();
const stateOf = (name) => {
  const i = Number(/^account-(\d+)$/.exec(name)?.[1]);
  const state = states[i % 10];
  if (!state || state === 'active') return undefined;
  return { name: state, reason: 'The provider answered 429: too many requests, so it is left alone for a while.', until: state === 'cooling' ? new Date(born + (600 + i) * 1000).toISOString() : null };
};

before(async () => {
  sandbox = await startSandbox();
  browser = await startBrowser();
  ({ page, problems } = await openPage(browser));
  let next = 0;
  const one = async () => {
    for (let i = next++; i < count; i = next++) {
      const account = await sandbox.control('accounts', { kind: 'social', email: `person${i}@example.com` });
      await sandbox.api('POST', '/api/oauth/kiro/import', { refreshToken: account.refreshToken, name: nameOf(i) });
    }
  };
  await Promise.all(Array.from({ length: 8 }, one));
  // Real accounts but for their states, which would be many scenes in the simulated world.
  const withStates = async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    for (const c of body.connections ?? []) c.state = stateOf(c.name) ?? c.state;
    await route.fulfill({ response, json: body });
  };
  await page.route('**/api/providers', withStates);
  await page.route('**/api/token-health', withStates);
});
after(async () => {
  await browser?.close();
  await sandbox?.stop();
});

const articles = () => page.getByRole('article');
// From the click on the way to the page until its first row is painted.
const arrive = (path, row) => page.evaluate(async ([hash, selector]) => {
  const start = performance.now();
  location.hash = hash;
  while (!document.querySelector(selector)) await new Promise(requestAnimationFrame);
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}, [`#${path}`, row]);
// The times between frames while the page is scrolled to its end and back, as fast as a wheel does it.
const scroll = () => page.evaluate(async () => {
  const frames = [];
  let last = performance.now();
  let step = 150;
  let waited = 0; // at what is the end until further rows come
  for (let y = 0; y >= 0;) {
    const bottom = document.documentElement.scrollHeight - innerHeight;
    if (step < 0 || y < bottom) {
      y += step;
      waited = 0;
    } else if (++waited > 30) {
      step = -600;
    }
    scrollTo(0, y);
    const now = await new Promise(requestAnimationFrame);
    frames.push(now - last);
    last = now;
  }
  frames.sort((a, b) => a - b);
  const at = (part) => Math.round(frames[Math.min(frames.length - 1, Math.floor(frames.length * part))]);
  return { frames: frames.length, median: at(0.5), p95: at(0.95), longest: at(1), over34: frames.filter((f) => f > 34).length };
});

test('Providers is there at once, and the others come while it is looked at', async (t) => {
  await go(page, sandbox, '/');
  await page.getByText('Needs attention').waitFor();
  await picture(page, 'many-overview');
  const first = await arrive('/providers', 'article');
  t.diagnostic(`Providers: first row after ${first.toFixed(0)} ms`);
  assert.ok(first < 3000, `${first} ms`);
  await page.getByText(`${count} accounts`).waitFor();
  await inBothLooks(page, 'many-providers', false);
  await page.evaluate(() => scrollTo(0, 0));
  await go(page, sandbox, '/providers');
  await articles().first().waitFor();
  const frames = await scroll(); // begins while they still come
  t.diagnostic(`Providers: ${JSON.stringify(frames)}`);
  await page.waitForFunction((all) => document.querySelectorAll('article').length === all, count);
  assert.ok(frames.median < 50 && frames.p95 < 200, JSON.stringify(frames));
  // Once they are all there, the regular looks at the service must not be felt either.
  const pause = await page.evaluate(async () => {
    let longest = 0;
    let last = performance.now();
    for (const end = last + 6000; last < end;) {
      const now = await new Promise(requestAnimationFrame);
      longest = Math.max(longest, now - last);
      last = now;
    }
    return longest;
  });
  t.diagnostic(`Providers: longest pause in 6 s of looking on ${pause.toFixed(0)} ms`);
  assert.ok(pause < 500, `${pause} ms`);
});

test('typing into the search is not held up', async (t) => {
  await go(page, sandbox, '/providers');
  await articles().first().waitFor();
  const search = page.getByLabel('Search', { exact: true });
  const waits = [];
  await search.focus();
  for (const key of [...'account-49', ...Array(10).fill('Backspace'), ...'person123']) {
    const painted = page.evaluate(() => new Promise((done) => {
      document.querySelector('input[aria-label="Search"]').addEventListener('keydown', () => {
        const start = performance.now();
        requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
      }, { once: true });
    }));
    await page.evaluate(() => 0); // the listener is there before the key comes
    await search.press(key);
    waits.push(await painted);
  }
  waits.sort((a, b) => a - b);
  t.diagnostic(`search: key to paint median ${waits[waits.length >> 1].toFixed(0)} ms, longest ${waits.at(-1).toFixed(0)} ms`);
  assert.ok(waits[waits.length >> 1] < 150 && waits.at(-1) < 800, waits.map(Math.round).join(' '));
  await page.waitForFunction(() => document.querySelectorAll('article').length === 1);
  await page.getByRole('article', { name: `kiro/${nameOf(123)}` }).waitFor();
  await page.getByText(`1 of ${count}`).waitFor();
  await search.fill('nobody is called this');
  await page.getByText('No account is like that').waitFor();
  await checkLooks(page, 'an empty search');
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByText(`${count} accounts`).waitFor();
});

test('by state; the menu of one account opens at it, works by keyboard and gives the focus back', async () => {
  await page.getByRole('textbox', { name: 'State' }).click();
  await page.getByRole('option', { name: 'Needs attention' }).click();
  await page.getByText(`${(count * 4) / 10 - 1} of ${count}`).waitFor(); // account 7 has another name
  await go(page, sandbox, '/providers?state=suspended');
  await page.getByText(`${count / 10} of ${count}`).waitFor();
  const button = page.getByRole('article').getByRole('button', { name: `Actions for ${nameOf(16)}`, exact: true });
  await button.scrollIntoViewIfNeeded();
  await button.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Test', exact: true }).waitFor();
  await page.waitForTimeout(400); // its transition
  await picture(page, 'many-menu', false);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Test');
  await checkLooks(page, 'an open menu');
  await page.keyboard.press('Escape');
  await page.getByRole('menu').waitFor({ state: 'detached' });
  assert.ok(await button.evaluate((one) => one === document.activeElement), 'the focus is lost');
  const box = await button.boundingBox();
  await button.click();
  const menu = await page.getByRole('menu').boundingBox();
  assert.ok(Math.abs(menu.x + menu.width - box.x - box.width) < 8 && Math.abs(menu.y - box.y - box.height) < 20, `${JSON.stringify(menu)} is not at ${JSON.stringify(box)}`);
  await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2); // the same place again
  await page.getByRole('menu').waitFor({ state: 'detached' });
  await button.click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await page.getByRole('dialog', { name: `Rename ${nameOf(16)}` }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});

test('hints come on hover and on focus, and go with Escape', async () => {
  await go(page, sandbox, '/providers');
  const time = page.getByRole('article', { name: `kiro/${nameOf(3)}` }).locator('time').first();
  await time.hover();
  const hint = page.getByRole('tooltip');
  await hint.waitFor();
  assert.match(await hint.textContent(), /\d{4}/);
  assert.equal(await time.getAttribute('aria-describedby'), 'hint');
  await picture(page, 'many-hint', false);
  await page.keyboard.press('Escape');
  await hint.waitFor({ state: 'detached' });
  await page.getByLabel('Search', { exact: true }).focus();
  for (let i = 0; i < 12 && !(await hint.isVisible()); ++i) await page.keyboard.press('Tab');
  await checkLooks(page, 'a hint');
  assert.ok(await hint.isVisible(), 'no hint by keyboard');
});

test('Health is there at once and smooth', async (t) => {
  await go(page, sandbox, '/');
  const first = await arrive('/health', 'tbody tr');
  t.diagnostic(`Health: first row after ${first.toFixed(0)} ms`);
  assert.ok(first < 3000, `${first} ms`);
  const frames = await scroll();
  t.diagnostic(`Health: ${JSON.stringify(frames)}`);
  assert.ok(frames.median < 50 && frames.p95 < 250, JSON.stringify(frames));
  await page.getByRole('row', { name: `kiro/${nameOf(count - 1)}` }).waitFor();
});

test('a combo is made of them without waiting', async () => {
  await go(page, sandbox, '/combos');
  await page.getByRole('button', { name: 'New combo' }).first().click();
  const targets = page.getByRole('dialog').getByLabel('Add accounts, models or combos');
  await targets.fill(nameOf(321));
  await page.getByRole('option', { name: `kiro/${nameOf(321)}`, exact: true }).click();
  await page.getByRole('dialog').getByText(`kiro/${nameOf(321)}`, { exact: true }).waitFor();
  await picture(page, 'many-combo');
});

test('the browser had nothing to complain about', () => assert.deepEqual(problems, []));
