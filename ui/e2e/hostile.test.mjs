// What breaks layouts: names of 10 kB, of nothing but marks, of control characters; a hundred calls at once; a
// catalogue without its keys. The window stays usable: nothing out of it sideways, what must be pressed is in reach.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from './browser.mjs';
import { callView } from './page.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

const NAMES = {
  'ten kilobytes in one word': 'W'.repeat(10_240),
  'ten kilobytes of words': 'Abdurrahman ibn Musa '.repeat(490),
  'combining marks': 'a' + '\u0301\u0323\u0489'.repeat(3000),
  'only marks': '\u0301'.repeat(5000),
  'direction overrides': '\u202e\u2066\u2067'.repeat(500) + 'gpj.exe',
  'lines and controls': 'a\n'.repeat(2000) + '\t\u0007\u2028\u2029',
  'Arabic without a space': 'ﷺ'.repeat(3000),
  'zero-width': '\u200b\u200d\ufeff'.repeat(3000),
  'emoji families': '👨‍👩‍👧‍👦'.repeat(1000),
  markup: '<img src=x onerror=alert(1)>{{7*7}}${7*7}<style>*{display:none}</style>',
};

/** Whether an element can be pressed: in the window, and nothing over its middle. */
const reachable = (page, selector) =>
  page.locator(selector).evaluate((element) => {
    const box = element.getBoundingClientRect();
    const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return box.x >= 0 && box.right <= innerWidth + 0.5 && box.bottom <= innerHeight + 0.5 && element.contains(at);
  });
const sideways = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('html, .scroll, .front, .incoming, .view, .page')].filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.className || 'page'),
  );
const call = (id, name, state, actions) =>
  callView(id, state, { account_label: name, peer: { name, address: name }, queue: name, ivr: name, customer: name, dialled: name, digits: name.slice(0, 32), actions });
const emit = (page, call) => page.evaluate((call) => window.hatifFake.emit({ event: 'call_changed', call }), call);

describe.each([['en', 320], ['ar', 420], ['fa', 1100]])('%s, %i px', (lang, width) => {
  it.each(Object.entries(NAMES))('%s', async (_, name) => {
    const page = await browser.page({ scenario: 'home', lang, width, height: 640 });
    await emit(page, call(1, name, { state: 'incoming' }, ['answer', 'reject']));
    await page.waitForSelector('#answer');
    expect(await sideways(page)).toEqual([]);
    expect([await reachable(page, '#answer'), await reachable(page, '#decline')]).toEqual([true, true]);
    const active = { state: 'active', since_ms: Date.now(), hold: 'none', muted: false };
    await emit(page, call(1, name, active, ['hang_up', 'mute', 'hold', 'dtmf']));
    await page.waitForSelector('#hang-up');
    expect(await sideways(page)).toEqual([]);
    expect(await reachable(page, '#hang-up')).toBe(true);
    const entry = { id: '1', account: 2, account_label: name, direction: 'incoming', peer: { name, address: name }, started_ms: Date.now(), talked_s: 1, outcome: 'answered', reason: { code: name.slice(0, 50), params: {} } };
    await page.evaluate((history) => window.hatifFake.emit({ event: 'history_changed', history }), [entry]);
    await page.keyboard.press('Control+2');
    await page.waitForSelector('#history li');
    expect(await sideways(page)).toEqual([]);
    expect(page.complaints).toEqual([]);
  });

  it('a hundred calls at once: three in sight, the others counted, and the first can be answered', async () => {
    const page = await browser.page({ scenario: 'incoming-many', lang, width, height: 640 });
    expect(await page.locator('.incoming li').count()).toBe(2);
    expect(await reachable(page, '#answer')).toBe(true);
    await page.keyboard.press('Control+Shift+A');
    await page.waitForSelector('#timer', { state: 'attached' });
    expect(await page.evaluate(() => window.hatifFake.sent.filter((c) => c.command === 'answer'))).toEqual([{ command: 'answer', call: 1 }]);
    expect(await sideways(page)).toEqual([]);
  });

  it('a message whose code no catalogue knows is told with its code', async () => {
    const page = await browser.page({ scenario: 'home', lang, width });
    const notice = { id: 9, level: 'error', text: { code: 'of.a.later.version', params: {} } };
    await page.evaluate((notice) => window.hatifFake.emit({ event: 'notice_raised', notice }), notice);
    await page.waitForSelector('.banner');
    expect(await page.textContent('.banner')).toContain('of.a.later.version');
  });
});

it('an incoming call is announced once, and the timer never', async () => {
  const page = await browser.page({ scenario: 'home', pace: 1 });
  await page.evaluate(() => {
    window.spoken = [];
    for (const region of document.querySelectorAll('[role=alert], [role=status]'))
      new MutationObserver(() => region.textContent.trim() && window.spoken.push(region.textContent.trim())).observe(region, { childList: true, subtree: true, characterData: true });
  });
  await emit(page, call(1, 'Nora', { state: 'incoming' }, ['answer', 'reject']));
  await emit(page, call(1, 'Nora', { state: 'incoming' }, ['answer', 'reject']));
  await page.waitForSelector('#answer');
  const spoken = () => page.evaluate(() => window.spoken);
  expect((await spoken()).filter((words) => words.includes('Nora'))).toHaveLength(1);
  await emit(page, call(1, 'Nora', { state: 'active', since_ms: Date.now() - 5000, hold: 'none', muted: false }, ['hang_up']));
  await page.waitForFunction(() => document.querySelector('#timer')?.textContent === '0:07', undefined, { polling: 100 });
  expect((await spoken()).filter((words) => /\d:\d\d/.test(words))).toEqual([]);
  expect(await page.getAttribute('#timer', 'aria-live')).toBe('off');
});
