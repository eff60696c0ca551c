// The page against its host, played here: in which order it listens and asks, what it sends, and what it says when the
// host does not take a command. The real host is tested through WebDriver (tests/ui).
import { afterAll, beforeAll, expect, it } from 'vitest';
import { open } from './browser.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

/** The host's side of Tauri's IPC, as far as the page uses it. Runs in the page, before it. */
function host() {
  const calls = [];
  const callbacks = new Map();
  let listener;
  let next = 1;
  const tell = (payload) => callbacks.get(listener)?.({ event: 'phone', id: 1, payload });
  const account = {
    id: 2, kind: 'registrar', label: 'Office', address: '1001@pbx.example', transport: 'udp', registration: { state: 'up' }, config: null,
  };
  const snapshot = {
    version: '0.1.0', accounts: [account], calls: [], history: [], notices: [], credentials: 'keyring', system_language: 'ar',
    devices: { microphones: [], speakers: [], microphone: null, speaker: null, ringer: null, problem: null },
    settings: { language: null, theme: 'light', default_account: 2, welcomed: true },
  };
  const notice = (id) => ({ event: 'notice_raised', notice: { id, level: 'info', text: { code: 'wire.closed', params: {} } } });
  window.__TAURI_EVENT_PLUGIN_INTERNALS__ = { unregisterListener() {} };
  window.__TAURI_INTERNALS__ = {
    transformCallback(callback) {
      callbacks.set(next, callback);
      return next++;
    },
    unregisterCallback: (id) => callbacks.delete(id),
    async invoke(command, args) {
      calls.push({ command, args });
      if (command === 'plugin:event|listen') {
        listener = args.handler;
        // What happens before the snapshot is told too: this one has come and gone.
        tell(notice(1));
        tell({ event: 'notice_gone', notice: 1 });
        return 1;
      }
      if (command === 'ready') {
        // On its way at the same time as the snapshot that holds it already.
        tell(notice(2));
        return { ...snapshot, notices: [notice(2).notice] };
      }
      if (command === 'send' && args.command.command === 'practice_ring') throw new Error('not taken');
      return null;
    },
  };
  window.hatifHost = { calls, tell };
}

const calls = (page) => page.evaluate(() => window.hatifHost.calls);

it('listens, then asks; takes the snapshot, and what comes after it', async () => {
  const page = await browser.page({ script: host });
  await page.waitForSelector('#dial');
  expect((await calls(page)).map((c) => c.command)).toEqual(['plugin:event|listen', 'ready', 'send']);
  expect((await calls(page))[2].args.command).toEqual({ command: 'desktop', ask: { desktop: 'waiting' } });
  expect((await calls(page))[0].args.event).toBe('phone');
  await page.waitForSelector('html[lang=ar][dir=rtl]');
  expect(await page.locator('.banner').count()).toBe(1);
});

it('sends commands as the application reads them', async () => {
  const page = await browser.page({ script: host });
  await page.fill('#dial', '۶۰۰');
  await page.press('#dial', 'Enter');
  expect((await calls(page)).at(-1)).toEqual({ command: 'send', args: { command: { command: 'call', to: '600', account: 2 } } });
});

it('says so when a command was not taken, and when one was refused', async () => {
  const page = await browser.page({ script: host });
  await page.evaluate(() => window.hatifHost.tell({ event: 'command_failed', command: 'hold', text: { code: 'command.not_now', params: {} } }));
  await page.waitForSelector('.toast.error');
  await page.evaluate(() => window.hatifHost.tell({ event: 'command_failed', command: 'x', text: { code: 'of.a.later.version', params: {} } }));
  await page.waitForFunction(() => document.querySelectorAll('.toast.error').length === 2);
  expect(await page.locator('.toast.error').last().textContent()).toContain('of.a.later.version');
});

it('tells that the application has ended', async () => {
  const page = await browser.page({ script: host });
  await page.evaluate(() => window.hatifHost.tell({ event: 'stopped' }));
  await page.waitForSelector('.message');
});
