// The start of the window: how much script the first screen needs, and what is seen until the application answers.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { open } from './browser.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

/** kB of script, compressed, that the first screen may need. */
const AT_MOST_KB = 150;

it(`needs at most ${AT_MOST_KB} kB of script for the first screen`, () => {
  const folder = process.env.HATIF_PAGE;
  const read = (file) => readFileSync(join(folder, 'assets', file), 'utf8');
  const html = readFileSync(join(folder, 'index.html'), 'utf8');
  const needed = new Set([...html.matchAll(/assets\/([\w.-]+\.js)/g)].map((m) => m[1]));
  // What those import at once, and the backend of the window, which is loaded first of all.
  for (const file of needed) for (const [, other] of read(file).matchAll(/(?:from|import)\s*["'`]\.\/([\w.-]+\.js)["'`]/g)) needed.add(other);
  for (const file of readdirSync(join(folder, 'assets'))) if (file.startsWith('tauri-')) needed.add(file);
  // And the words of one language: the longest of them.
  const size = (file) => gzipSync(read(file)).length;
  const words = readdirSync(join(folder, 'assets')).filter((file) => /^(en|ar|fa)-[\w-]+\.js$/.test(file));
  expect(words.length).toBe(3);
  for (const file of words) expect(needed).not.toContain(file);
  needed.add(words.sort((a, b) => size(b) - size(a))[0]);
  expect(needed.size).toBeGreaterThan(2);
  const kb = [...needed].reduce((sum, file) => sum + size(file), 0) / 1024;
  expect(kb).toBeLessThanOrEqual(AT_MOST_KB);
  expect(kb).toBeGreaterThan(20);
});

/** A host that never answers `ready`. */
function silentHost() {
  window.__TAURI_EVENT_PLUGIN_INTERNALS__ = { unregisterListener() {} };
  window.__TAURI_INTERNALS__ = {
    transformCallback: () => 1,
    unregisterCallback() {},
    invoke: (command) => (command === 'ready' ? new Promise(() => {}) : Promise.resolve(1)),
  };
}

it('says that it is starting while the application has not answered', async () => {
  const page = await browser.page({ script: silentHost });
  await page.waitForSelector('[role=status] .starting');
  await page.waitForSelector('#splash');
  expect(await page.locator('#dial').count()).toBe(0);
  expect(page.complaints).toEqual([]);
});

/** A host that answers when it is told to, with Arabic; `seen` holds every language and text that the page showed. */
function slowHost() {
  const account = { id: 2, kind: 'registrar', label: 'Office', address: '1001@pbx.example', transport: 'udp', registration: { state: 'up' }, config: null };
  const devices = { microphones: [], speakers: [], microphone: null, speaker: null, ringer: null, problem: null };
  const settings = { language: 'ar', theme: 'light', default_account: 2, welcomed: true };
  const snapshot = { version: '0.1.0', accounts: [account], calls: [], history: [], notices: [], credentials: 'keyring', system_language: 'en', devices, settings };
  window.seen = new Set();
  const look = () => window.seen.add(`${document.documentElement.lang}: ${document.querySelector('main')?.innerText.trim() ? 'main' : ''}`);
  addEventListener('DOMContentLoaded', () => new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true, characterData: true }));
  window.__TAURI_EVENT_PLUGIN_INTERNALS__ = { unregisterListener() {} };
  window.__TAURI_INTERNALS__ = {
    transformCallback: () => 1,
    unregisterCallback() {},
    invoke: (command) => (command === 'ready' ? new Promise((answer) => (window.answer = () => answer(snapshot))) : Promise.resolve(1)),
  };
}

it('shows nothing in another language than the one that was chosen, also where the system has another', async () => {
  const page = await browser.page({ script: slowHost });
  await page.waitForFunction(() => window.answer !== undefined);
  await page.evaluate(() => window.answer());
  await page.waitForSelector('#dial');
  await page.waitForSelector('#splash', { state: 'detached' });
  const seen = await page.evaluate(() => [...window.seen]);
  expect(seen.filter((one) => one.endsWith('main'))).toEqual(['ar: main']);
  expect(await page.evaluate(() => document.body.innerText)).not.toMatch(/[a-z]\.[a-z]+\.[a-z]/);
  expect(page.complaints).toEqual([]);
});
