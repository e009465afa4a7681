// A service of its own over a simulator of its own, and a browser that looks at its dashboard.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// `settings` are further ones of omnirouted, such as 'requests.content=on'.
export async function startSandbox(...settings) {
  const build = process.env.OMNI_BUILD_DIR ?? join(root, 'build', 'release');
  const child = spawn(join(root, 'scripts', 'sandbox'), ['--build', build, ...settings.flatMap((one) => ['--set', one])], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const first = await new Promise((resolve, reject) => {
    lines.once('line', resolve);
    child.once('exit', (code) => reject(new Error(`the sandbox ended with ${code}`)));
  });
  const sandbox = JSON.parse(first);
  const control = async (path, body) => {
    const response = await fetch(`${sandbox.simulator}/__control/${path}`, { method: body ? 'POST' : 'GET', headers: { 'Content-Type': 'application/json' }, body: body && JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const api = async (method, path, body) => {
    const response = await fetch(`${sandbox.gateway}${path}`, { method, headers: { 'Content-Type': 'application/json' }, body: body && JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
  const stop = () => new Promise((resolve) => { child.once('exit', resolve); child.kill('SIGTERM'); });
  return { ...sandbox, control, api, stop };
}

export async function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking'],
  });
}

// A page in a context of its own. `problems` fills with what the browser itself complains about: script errors,
// and what the policy refused.
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const problems = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => { if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) problems.push(message.text()); });
  return { page, problems };
}

export async function go(page, sandbox, path) {
  await page.goto('about:blank'); // or only the part after # would change, and a dialog would stay open
  await page.goto(`${sandbox.gateway}/#${path}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
}

// Nothing serious for axe, and nothing that sticks out; `what` names the place in the failure.
export async function checkLooks(page, what) {
  // Through the debugger, so that the page's own policy stays in force for the page.
  await page.evaluate(axe);
  const result = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const serious = result.violations.filter((v) => ['serious', 'critical'].includes(v.impact));
  assert.deepEqual(serious.map((v) => `${what}: ${v.id} ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`), []);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `${what} is ${over} px too wide`);
}

// Light and wide, dark and narrow; then as it was.
export async function inBothLooks(page, name, fullPage = true) {
  for (const [scheme, width] of [['light', 1440], ['dark', 360]]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: scheme });
    await page.waitForTimeout(400); // Mantine's transitions, which would be half-transparent colours for axe
    await picture(page, `${name}-${scheme}-${width}`, fullPage);
    await checkLooks(page, `${name} ${scheme} ${width}`);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
}

// Kept only when somebody wants to look at them.
export async function picture(page, name, fullPage = true) {
  const folder = process.env.OMNI_PICTURES;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage });
}
