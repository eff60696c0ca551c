// Call control as agents do it, each in English and in Arabic: transfer, consultation, several calls, conference, asks.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from './browser.mjs';
import { callView, emit, focused, foreignKey, sent } from './page.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

/** What a screen reader is told. */
const words = (page) => page.textContent('[role=status]');

describe.each(['en', 'ar'])('%s', (lang) => {
  const start = (scenario, more) => browser.page({ scenario, lang, ...more });

  it('attended transfer in three actions: T, a name and Enter, Enter', async () => {
    const page = await start('desk');
    await page.keyboard.press('t');
    await page.waitForFunction(() => document.activeElement?.id === 'transfer-to');
    await page.keyboard.type('1007');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.consultation .heard', { state: 'attached' });
    await page.waitForFunction(() => document.querySelectorAll('.consultation .heard').length === 1 && document.activeElement?.id === 'connect');
    await page.waitForFunction(() => document.querySelector('.consultation li:last-child.heard'));
    await page.keyboard.press('Enter');
    await page.waitForSelector('.reason');
    expect(await sent(page, 'consult', 'complete_transfer', 'transfer')).toEqual([
      { command: 'consult', call: 1, to: '1007', confirmed: false },
      { command: 'complete_transfer', call: expect.any(Number) },
    ]);
    expect(page.complaints).toEqual([]);
  });

  it('a colleague is found by name, with what they do now; the arrows choose', async () => {
    const page = await start('desk');
    await page.keyboard.press('t');
    await page.waitForFunction(() => document.activeElement?.id === 'transfer-to');
    await page.keyboard.type('kar');
    await page.waitForSelector('#transfer-to-0 .lamp.free');
    expect(await page.locator('.list [role=option]').count()).toBe(1);
    await page.keyboard.press('ArrowDown');
    expect(await page.getAttribute('#transfer-to', 'aria-activedescendant')).toBe('transfer-to-0');
    await page.keyboard.press('Shift+Enter');
    await page.waitForSelector('.reason');
    expect(await sent(page, 'transfer', 'consult')).toEqual([{ command: 'transfer', call: 1, to: '1007', confirmed: false }]);
  });

  it('a transfer that fails says why, and that the customer is back', async () => {
    const page = await start('desk');
    await foreignKey(page, 'ف', 'KeyT');
    await page.waitForFunction(() => document.activeElement?.id === 'transfer-to');
    await page.keyboard.type('nobody@pbx.example');
    await page.keyboard.press('Shift+Enter');
    await page.waitForSelector('.progress .warning');
    expect((await page.textContent('.progress')).trim().length).toBeGreaterThan(20);
    expect(await words(page)).toContain((await page.textContent('.progress')).trim());
    await page.waitForSelector('#hold[aria-pressed=false]');
  });

  it('whom is asked is busy: the customer is in front again, and it is said why', async () => {
    const page = await start('desk', { pace: 0.3 });
    await page.keyboard.press('t');
    await page.waitForFunction(() => document.activeElement?.id === 'transfer-to');
    await page.keyboard.type('busy@pbx.example');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.progress .warning');
    expect(await page.locator('#hold[aria-pressed=false], #timer').count()).toBe(2);
  });

  it('the customer waits visibly; B goes back to them, S swaps', async () => {
    const page = await start('consult');
    const hears = () => page.locator('.consultation li').evaluateAll((lis) => lis.map((li) => li.classList.contains('heard')));
    expect(await hears()).toEqual([false, true]);
    await page.keyboard.press('s');
    await page.waitForSelector('.consultation li:first-child.heard');
    expect(await hears()).toEqual([true, false]);
    await page.keyboard.press('s');
    await page.waitForSelector('.consultation li:last-child.heard');
    await page.keyboard.press('b');
    await page.waitForSelector('.consultation', { state: 'detached' });
    await page.waitForSelector('#hold[aria-pressed=false]');
    expect((await sent(page, 'swap', 'abandon_consult')).map((c) => c.command)).toEqual(['swap', 'swap', 'abandon_consult']);
    expect(await page.textContent('#call-heading')).toContain('Sara');
  });

  it('T connects them while it still rings there', async () => {
    const page = await start('consult-ringing');
    await page.keyboard.press('t');
    await page.waitForSelector('.reason');
    expect((await sent(page, 'complete_transfer')).length).toBe(1);
  });

  it('Esc closes the transfer and touches no call', async () => {
    const page = await start('desk');
    await page.click('#transfer');
    await page.waitForFunction(() => document.activeElement?.id === 'transfer-to');
    await page.keyboard.type('12');
    await page.keyboard.press('Escape');
    await page.waitForSelector('#transfer-to', { state: 'detached' });
    expect(await focused(page)).toBe('transfer');
    expect(await sent(page)).toEqual([]);
  });

  it('a costly number is asked about before anything is sent on', async () => {
    const page = await start('desk');
    await page.keyboard.press('t');
    await page.waitForFunction(() => document.activeElement?.id === 'transfer-to');
    await page.keyboard.type('0900123');
    await page.keyboard.press('Shift+Enter');
    await page.waitForSelector('#transfer-to-error');
    await page.click('#transfer-confirm');
    await page.waitForSelector('.reason');
    expect((await sent(page, 'transfer')).map((c) => c.confirmed)).toEqual([false, true]);
  });

  it('customer, colleague and agent become a conference by one key; one is silenced, and the others stay when the agent leaves', async () => {
    const page = await start('consult');
    await page.keyboard.press('j');
    await page.waitForFunction(() => document.querySelectorAll('.conference li').length === 2);
    await page.locator('.conference li').first().locator('button').first().click();
    await page.waitForSelector('.conference li.silenced');
    await page.keyboard.press('l');
    await page.waitForSelector('.conference', { state: 'detached' });
    expect((await sent(page, 'join', 'silence', 'leave_conference')).map((c) => c.command)).toEqual(['join', 'silence', 'leave_conference']);
  });

  it('what the other side asks is said once, granted by G, refused by X', async () => {
    const page = await start('ask-transfer');
    await page.waitForSelector('#ask');
    expect(await page.textContent('#asked')).toContain('Karim');
    await page.keyboard.press('x');
    await page.waitForSelector('#ask', { state: 'detached' });
    expect((await page.textContent('#asked')).trim()).toBe('');
    const other = await start('ask-redirect');
    await other.waitForSelector('#ask');
    expect(await other.locator('#ask .button').count()).toBe(3);
    await other.keyboard.press('g');
    await other.waitForSelector('#ask', { state: 'detached' });
    expect(await sent(other, 'grant')).toEqual([{ command: 'grant', call: 1 }]);
  });

  it('who is on the line changes after a transfer: shown, and said', async () => {
    const page = await start('desk');
    const talking = { state: 'active', since_ms: Date.now(), hold: 'none', muted: false };
    const full = callView(1, talking, { peer: { name: 'Nora', address: '1044' }, actions: ['hang_up'] });
    await emit(page, { event: 'call_changed', call: full });
    await page.waitForSelector('.before');
    expect(await page.textContent('.before')).toContain('Sara Ahmadi');
    expect(await words(page)).toContain('Nora');
    expect(await words(page)).toContain('Sara Ahmadi');
  });

  it('help is asked for in one key, with what the lead has to know', async () => {
    const page = await start('desk');
    await page.keyboard.press('n');
    const [help] = await sent(page, 'help');
    expect(help.text).toContain('Sara Ahmadi');
    expect(help.text).toContain('4711');
  });
});

describe.each(['en', 'ar'])('%s, at the desk', (lang) => {
  const start = (scenario, more) => browser.page({ scenario, lang, ...more });

  it('whether calls come is always in view: state and reason, do not disturb, forwarding, the mailbox', async () => {
    const page = await start('desk-idle');
    expect(await page.textContent('#agent')).toContain('Lunch');
    expect(await page.locator('#agent .chip.bad').count()).toBe(1);
    expect(await page.textContent('#forwarded')).toMatch(/\+98\s912\s000\s4321/);
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press('v');
    expect(await sent(page, 'call_mailbox')).toEqual([{ command: 'call_mailbox', account: 2 }]);
  });

  it('ready, not ready with a reason, and what the phone system is not told', async () => {
    const page = await start('desk-idle');
    await page.focus('#agent');
    await page.keyboard.press('Enter');
    await page.locator('input[name=agent][value=ready]').check({ force: true });
    await page.waitForSelector('#agent-reason', { state: 'detached' });
    await page.locator('input[name=agent][value=not_ready]').check({ force: true });
    await page.fill('#agent-reason', 'Training');
    await page.keyboard.press('Tab');
    await page.uncheck('#do-not-disturb');
    await page.uncheck('#call-waiting');
    expect(await sent(page, 'set_agent_state', 'set_do_not_disturb', 'set_call_waiting')).toEqual([
      { command: 'set_agent_state', state: 'ready', reason: null },
      { command: 'set_agent_state', state: 'not_ready', reason: null },
      { command: 'set_agent_state', state: 'not_ready', reason: 'Training' },
      { command: 'set_do_not_disturb', on: false },
      { command: 'set_call_waiting', on: false },
    ]);
  });

  it('colleagues: what they do in a word and a shape, found by name, called, their call picked up', async () => {
    const page = await start('desk-idle');
    await page.click('#nav-colleagues');
    await page.waitForSelector('#colleagues li');
    const lamps = await page.locator('#colleagues .lamp').allTextContents();
    expect(new Set(lamps.map((l) => l.trim())).size).toBe(5);
    await page.fill('#colleague-search', '1020');
    await page.waitForFunction(() => document.querySelectorAll('#colleagues li').length === 1);
    await page.locator('#colleagues .button.call').click();
    expect(await sent(page, 'pickup')).toEqual([{ command: 'pickup', account: 2, number: '1020' }]);
    expect(page.complaints).toEqual([]);
  });

  it('Esc closes the sheet of keys, and then the screen behind it', async () => {
    const page = await start('desk-idle', { width: 1100 });
    await page.click('#nav-colleagues');
    await page.click('#shortcuts');
    await page.waitForSelector('dialog[open]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
    expect(await page.getAttribute('.shell', 'data-screen')).toBe('colleagues');
    await page.keyboard.press('Escape');
    await page.waitForSelector('.shell[data-screen=home]');
  });

  it('a message goes out and says how it went; what strangers write stays text', async () => {
    const page = await start('desk-idle');
    await page.click('#nav-colleagues');
    await page.locator('#colleagues li').first().locator('.acts button').first().click();
    await page.waitForFunction(() => document.activeElement?.id === 'message');
    expect(await page.locator('.messages .failed').count()).toBeGreaterThan(0);
    await page.keyboard.type('سلام');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.messages li:last-child .sent');
    expect(await sent(page, 'message')).toEqual([{ command: 'message', account: 2, to: '1007', text: 'سلام' }]);
    await page.keyboard.press('Escape');
    expect(await page.textContent('section li .facts')).toContain('<img src=x onerror=alert(1)>');
    expect(await page.locator('section li img').count()).toBe(0);
    const text = { id: 90, account: 2, direction: 'incoming', peer: { name: 'Karim', address: '1007' }, text: '<b>hi</b>', at_ms: Date.now(), delivery: { state: 'received' } };
    await emit(page, { event: 'messages_changed', messages: [text] });
    await page.waitForSelector('.toast');
    expect(await page.textContent('.toast')).toContain('<b>hi</b>');
  });

  it('a conversation opens with its newest words; who reads earlier ones is left there; nothing goes out sideways', async () => {
    const page = await start('desk-idle');
    await page.click('#nav-colleagues');
    const text = (id) => ({ id, account: 2, direction: 'incoming', peer: { name: 'Karim', address: '1007' }, text: id % 7 === 0 ? 'W'.repeat(900) : `word ${id}`, at_ms: Date.now(), delivery: { state: 'received' } });
    const texts = (n) => emit(page, { event: 'messages_changed', messages: Array.from({ length: n }, (_, id) => text(id + 1)) });
    await texts(60);
    await page.locator('#colleagues li').first().locator('.acts button').first().click();
    const list = page.locator('.messages');
    const left = () => list.evaluate((at) => Math.round(at.scrollHeight - at.scrollTop - at.clientHeight));
    await list.locator('li', { hasText: 'word 60' }).waitFor();
    await page.waitForFunction(() => { const at = document.querySelector('.messages'); return at.scrollTop > 0 && at.scrollHeight - at.scrollTop - at.clientHeight < 2; });
    expect(await list.evaluate((at) => at.scrollWidth <= at.clientWidth)).toBe(true);
    await texts(61);
    await list.locator('li', { hasText: 'word 61' }).waitFor();
    await expect.poll(left).toBeLessThan(2);
    await list.evaluate((at) => at.scrollTo({ top: 0 }));
    // A scroll is told of with the next frame.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await texts(62);
    await list.locator('li', { hasText: 'word 62' }).waitFor();
    expect(await list.evaluate((at) => at.scrollTop)).toBe(0);
  });

  it('R dials the last number again, Alt and a figure a speed dial', async () => {
    const page = await start('desk-idle');
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press('Alt+1');
    await page.waitForSelector('#hang-up');
    await page.keyboard.press('Control+Shift+D');
    expect(await sent(page, 'call')).toEqual([{ command: 'call', to: '1100', account: 2 }]);
    const other = await start('desk-idle');
    await other.evaluate(() => document.activeElement.blur());
    await other.keyboard.press('r');
    expect((await sent(other, 'redial')).length).toBe(1);
  });
});
