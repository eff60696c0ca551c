// A whole shift by keyboard alone, in English and in Arabic: from the first start to signing out. Whatever is not reached
// with Tab and the keys that the sheet tells of fails here; so does a focus that gets lost.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { open } from './browser.mjs';
import { sent } from './page.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

const AT_MOST = 60;

/** Keys, and what has the focus. No function here touches the mouse. */
function hands(page) {
  const key = (...keys) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
  const type = (text) => page.keyboard.type(text);
  const on = (selector) =>
    page.waitForFunction((selector) => document.activeElement?.matches(selector), selector).catch(async () => {
      throw new Error(`${selector} has not the focus, but ${await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 200))}`);
    });
  /** Tab, or Shift+Tab, as somebody does who sees where the ring is: it has to be seen all the way. */
  async function to(selector, by = 'Tab') {
    for (let n = 0; n < AT_MOST; n += 1) {
      await page.keyboard.press(by);
      const { there, seen } = await page.evaluate((selector) => {
        const at = document.activeElement;
        const box = at.getBoundingClientRect();
        const middle = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        const covered = middle !== null && !at.contains(middle) && !middle.contains(at) && at.closest('label')?.contains(middle) !== true;
        return { there: at.matches(selector), seen: at === document.body || (at.matches(':focus-visible') && !covered) };
      }, selector);
      expect(seen, `the focus is seen on the way to ${selector}: ${await page.evaluate(() => document.activeElement.outerHTML.slice(0, 120))}`).toBe(true);
      if (there) return;
    }
    throw new Error(`${selector} is not reached by ${by}`);
  }
  return { key, type, on, to };
}

it.each([
  ['en', 1100, 760],
  ['ar', 1100, 760],
  ['ar', 420, 720],
])('in %s at %d px', async (lang, width, height) => {
  const page = await browser.page({ scenario: 'first-run', lang, width, height });
  const { key, type, on, to } = hands(page);
  await page.evaluate(() => addEventListener('pointerdown', () => (window.touched = true), true));

  // First start: an account, and after each call it is to be asked what came of it.
  await to('#add-account');
  await key('Enter');
  await on('#account-domain');
  await type('pbx.example');
  await key('Tab');
  await type('1001');
  await key('Tab');
  await type('right');
  await key('Enter');
  await on('#account-done');
  await key('Enter');
  await on('#dial');
  await key('Control+5');
  await to('#page-wrap_up');
  await key('Enter');
  await to('#wrap-up-ask');
  await key('Space');
  await page.waitForSelector('#wrap-up-ask:checked');
  await key('Control+1');
  await on('#dial');

  // Ready: from not ready, for a meeting, and back.
  await to('#agent', 'Shift+Tab');
  await key('Enter');
  await to('input[name=agent]');
  await key('ArrowDown');
  await on('input[name=agent][value=not_ready]');
  await to('#agent-reason');
  await type('Meeting');
  await key('Tab', 'Shift+Tab');
  await to('input[name=agent]', 'Shift+Tab');
  await key('ArrowUp');
  await to('#agent', 'Shift+Tab');
  await key('Enter');
  const ready = (state, reason) => ({ command: 'set_agent_state', state, reason });
  expect(await sent(page, 'set_agent_state')).toEqual([ready('not_ready', null), ready('not_ready', 'Meeting'), ready('ready', null)]);

  // A call: answered, held, noted.
  await page.evaluate(() => window.hatifFake.ring('Nora Salem', '+971501112233'));
  await page.waitForSelector('#answer');
  await key('Control+Shift+A');
  await page.waitForSelector('#timer');
  await on('#call-heading');
  await key('h');
  await page.waitForSelector('#hold[aria-pressed=true]');
  await key('h');
  await page.waitForSelector('#hold[aria-pressed=false]');
  await key('w');
  await on('#call-notes');
  await type('Wants the technical team');
  await key('Escape');
  await on('#call-heading');

  // A colleague is asked first, then has the customer.
  await key('t');
  await on('#transfer-to');
  await type('1007');
  await key('Enter');
  await on('#connect');
  await page.waitForSelector('.consultation li:last-child.heard');
  await key('Enter');

  // What came of it, and when they are called back.
  await page.waitForSelector('#wrap-up');
  await on('input[name=wrap-disposition]');
  await key('5');
  await on('#wrap-disposition-callback');
  await to('#wrap-notes');
  expect(await page.inputValue('#wrap-notes')).toBe('Wants the technical team');
  await to('#wrap-callback-hour');
  await key('Enter');
  await page.waitForSelector('#wrap-callback [role=status]');
  await key('Control+Enter');
  await page.waitForSelector('#wrap-up', { state: 'detached' });
  await on('#dial');
  const asked = async (what) => (await sent(page, 'work')).map((c) => c.ask).filter((ask) => ask.do === what);
  expect((await asked('keep')).at(-1).wrap_up).toMatchObject({ disposition: 'callback', status: 'follow_up', notes: 'Wants the technical team', done: true });
  const [{ task }] = await asked('keep_task');
  expect(task).toMatchObject({ address: '+971501112233', text: 'Wants the technical team' });

  // The callback is due: D calls, once the dial field is left.
  await page.evaluate((task) => window.hatifFake.emit({ event: 'work', told: { about: 'remind', task: { ...task, id: 1 } } }), task);
  await page.waitForSelector('.remind-call');
  await key('Escape', 'd');
  await page.waitForSelector('#timer');
  await on('#call-heading');
  await key('Control+Shift+D');
  await page.waitForSelector('#wrap-up');
  await on('input[name=wrap-disposition]');
  await key('1', 'Control+Enter');
  await page.waitForSelector('#wrap-up', { state: 'detached' });
  await on('#dial');
  expect((await sent(page, 'call')).map((c) => c.to)).toEqual(['+971501112233']);

  // The end of the shift.
  await key('Control+5');
  // A narrow window shows the page that was open last; Esc leads back to the list.
  if (width < 800) {
    await page.waitForSelector('#settings-heading');
    await key('Escape');
  }
  await to('#page-accounts', width < 800 ? 'Shift+Tab' : 'Tab');
  await key('Enter');
  await to('.sign');
  await key('Enter');
  await page.waitForFunction(() => document.querySelector('.account .dot.off, .account .state.off') !== null);
  await on('.sign');
  expect((await sent(page, 'unregister')).length).toBe(1);
  expect((await sent(page, 'answer', 'consult', 'complete_transfer', 'hang_up')).map((c) => c.command)).toEqual(['answer', 'consult', 'complete_transfer', 'hang_up']);
  expect(await page.evaluate(() => window.touched)).toBe(undefined);
  expect(page.complaints).toEqual([]);
});
