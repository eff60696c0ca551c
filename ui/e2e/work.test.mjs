// The agent's work around a call: notes, wrap-up, tickets, each in English and in Arabic.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from './browser.mjs';
import { focused, sent, value } from './page.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

const asked = async (page, what) => (await sent(page, 'work')).map((c) => c.ask).filter((ask) => ask.do === what);
const hangUp = (page) => page.keyboard.press('Control+Shift+D');

describe.each(['en', 'ar'])('%s', (lang) => {
  const start = (scenario, more) => browser.page({ scenario, lang, ...more });

  it('a wrap-up is a figure and Ctrl+Enter', async () => {
    const page = await start('work');
    await page.waitForSelector('#call-notes');
    await hangUp(page);
    await page.waitForFunction(() => document.activeElement?.id === 'wrap-disposition-solved');
    await page.keyboard.press('2');
    await page.waitForFunction(() => document.activeElement?.id === 'wrap-disposition-information');
    await page.keyboard.press('Control+Enter');
    await page.waitForSelector('#wrap-up', { state: 'detached' });
    const kept = (await asked(page, 'keep')).at(-1).wrap_up;
    expect(kept).toMatchObject({ entry: '1', disposition: 'information', status: 'closed', done: true });
    expect(page.complaints).toEqual([]);
  });

  it('notes are kept from the first key, and typing goes on when the call ends', async () => {
    const page = await start('work');
    await page.waitForSelector('#call-notes');
    await page.keyboard.press('w');
    await page.waitForFunction(() => document.activeElement?.id === 'call-notes');
    await page.keyboard.press('a');
    await page.waitForFunction(() => window.hatifFake.sent.some((c) => c.command === 'work' && c.ask.do === 'keep'));
    expect((await asked(page, 'keep'))[0].wrap_up).toMatchObject({ entry: '1', notes: 'a', done: false });
    await page.keyboard.type('12 m');
    await hangUp(page);
    await page.waitForFunction(() => document.activeElement?.id === 'wrap-notes');
    await page.keyboard.type('x');
    expect(await value(page, '#wrap-notes')).toBe('a12 mx');
    expect(await sent(page, 'dtmf', 'mute')).toEqual([]);
    await page.keyboard.press('Control+Enter');
    await page.waitForSelector('#wrap-up', { state: 'detached' });
    expect((await asked(page, 'keep')).at(-1).wrap_up).toMatchObject({ notes: 'a12 mx', done: true });
  });

  it('who left the notes begins with what came of the call, however late the field tells of its caret', async () => {
    const page = await start('work');
    await page.waitForSelector('#call-notes');
    await page.keyboard.press('w');
    await page.keyboard.type('a');
    await page.evaluate(() => {
      const notes = document.getElementById('call-notes');
      document.getElementById('call-heading').focus();
      // The caret's last move is told of in a task of its own, and a call may end before the next one.
      notes.dispatchEvent(new Event('selectionchange'));
    });
    await hangUp(page);
    await page.waitForFunction(() => document.activeElement?.id === 'wrap-disposition-solved');
    expect(await value(page, '#wrap-notes')).toBe('a');
  });

  it('the next call comes over it, and what was typed waits', async () => {
    const page = await start('work');
    await page.waitForSelector('#call-notes');
    await hangUp(page);
    await page.waitForSelector('#wrap-up');
    await page.fill('#wrap-notes', 'half a sentence');
    await page.evaluate(() => window.hatifFake.emit({ event: 'call_changed', call: {
      id: 9, account: 2, account_label: 'Office', direction: 'incoming', queue: null, ivr: null, customer: null, dialled: null, verified: 'unknown',
      security: 'plain', practice: false, emergency: false, consult_for: null, replaces: null, conference: false, silenced: false, transfer: null,
      ask: null, digits: '', quality: null, started_ms: Date.now(), peer: { name: 'Omid', address: '600' }, state: { state: 'incoming' }, actions: ['answer', 'reject'],
    } }));
    await page.waitForSelector('#answer');
    await page.keyboard.press('Control+Shift+A');
    await page.waitForSelector('#timer');
    expect(await page.locator('#wrap-up').count()).toBe(0);
    await page.waitForSelector('#wrap-waiting, #call-notes');
    await hangUp(page);
    // The newest comes first; the other waits in its list.
    await page.waitForFunction(() => document.querySelector('#wrap-notes')?.value === '');
    await page.click('#wrap-skip');
    await page.waitForFunction(() => document.querySelector('#wrap-notes')?.value === 'half a sentence');
    expect(page.complaints).toEqual([]);
  });

  it('what was put aside is taken up again', async () => {
    const page = await start('work');
    await page.waitForSelector('#call-notes');
    await hangUp(page);
    await page.waitForSelector('#wrap-up');
    await page.keyboard.press('5');
    await page.click('#wrap-later');
    await page.waitForSelector('#wrap-waiting');
    await page.locator('#wrap-waiting button').first().click();
    await page.waitForSelector('#wrap-disposition-callback:checked');
    expect(await page.locator('input[name=wrap-status]:checked').getAttribute('value')).toBe('follow_up');
  });

  it('a call is about an open ticket, and can be about a new one', async () => {
    const page = await start('work');
    await page.waitForSelector('.tickets .chip');
    expect(await page.textContent('.tickets')).toContain('Order 88-114 is late');
    await page.click('.new-ticket');
    await page.waitForSelector('.open-tickets button');
    expect(await asked(page, 'join')).toEqual([{ do: 'join', entry: '1', ticket: null }]);
    await page.click('.open-tickets button');
    await page.waitForFunction(() => document.querySelector('.tickets .open-tickets') === null);
    expect((await asked(page, 'join')).at(-1)).toEqual({ do: 'join', entry: '1', ticket: 41 });
  });

  it('calls are found by what was noted of them, and the notes are changed with what they were kept', async () => {
    const page = await start('work-home');
    await page.click('#nav-history');
    await page.click('#history-noted');
    await page.selectOption('#history-disposition', 'callback');
    await page.waitForFunction(() => document.querySelectorAll('#history .entry').length === 1);
    await page.click('#history .noted');
    await page.waitForFunction(() => document.activeElement?.id === 'noted-notes');
    await page.fill('#noted-notes', 'It has arrived.');
    await page.keyboard.press('Control+Enter');
    await page.waitForSelector('#history .entry');
    expect((await asked(page, 'keep')).map((ask) => ask.wrap_up)).toMatchObject([{ entry: '100', disposition: 'callback', notes: 'It has arrived.', done: true }]);
    await page.click('#history .noted');
    await page.waitForSelector('#former li');
    expect(await page.textContent('#former')).toContain('supplier will say on Monday');
    await page.keyboard.press('Escape');

    await page.click('#history-export');
    await page.waitForSelector('.toast');
    expect((await asked(page, 'export')).length).toBe(1);
    expect(page.complaints).toEqual([]);
  });

  it('the call log and the card say what came of earlier calls', async () => {
    const page = await start('work');
    await page.waitForFunction(() => document.querySelector('.card')?.textContent?.includes('supplier will say'));
    await page.waitForFunction(() => document.querySelector('#recent .how bdi') !== null);
    expect(await focused(page)).not.toBe('call-notes');
  });
});
