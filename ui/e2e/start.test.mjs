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
  expect(needed.size).toBeGreaterThan(1);
  const kb = [...needed].reduce((sum, file) => sum + gzipSync(read(file)).length, 0) / 1024;
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
  expect(await page.locator('#dial').count()).toBe(0);
  expect(page.complaints).toEqual([]);
});
