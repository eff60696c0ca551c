// What people do, each in English and in Arabic: first run, dialling, calls, keys, accounts, the call log.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from './browser.mjs';
import { callView, emit, focused, foreignKey, scores, sent, value } from './page.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

describe.each(['en', 'ar'])('%s', (lang) => {
  const start = (scenario, more) => browser.page({ scenario, lang, ...more });

  it('first run: one click to talk to the practice line, one to hang up, and it is in the list', async () => {
    const page = await start('first-run');
    await page.click('#practice-call');
    await page.waitForSelector('#timer');
    expect(await sent(page, 'call')).toEqual([{ command: 'call', to: 'echo@practice', account: 1 }]);
    expect(await sent(page, 'change_settings')).toMatchObject([{ settings: { welcomed: true } }]);
    await page.click('#hang-up');
    await page.waitForSelector('#recent li', { state: 'attached' });
    await page.waitForSelector('#dial');
    expect(await page.locator('#recent li').count()).toBe(1);
    expect(page.complaints).toEqual([]);
  });

  it('the language switches at once, direction and all', async () => {
    const page = await start('first-run');
    const before = await page.textContent('#practice-call');
    const other = lang === 'en' ? 'fa' : 'en';
    await page.selectOption('#language', other);
    await page.waitForSelector(`html[lang=${other}][dir=${other === 'fa' ? 'rtl' : 'ltr'}]`);
    expect(await page.textContent('#practice-call')).not.toBe(before);
  });

  it.each([
    ['٠٢١ ١٢٣', '021123'],
    ['۰۹۱۲۳', '09123'],
    ['sara@pbx.example', 'sara@pbx.example'],
  ])('dials %s', async (typed, number) => {
    const page = await start('home');
    await page.locator('#dial').pressSequentially(typed);
    await page.press('#dial', 'Enter');
    await page.waitForSelector('#timer');
    expect(await sent(page, 'call')).toEqual([{ command: 'call', to: number, account: 2 }]);
  });

  it('the dial field is empty after a call was placed, and keeps what was refused', async () => {
    const page = await start('home', { width: 1100 });
    await page.fill('#dial', '600');
    await page.press('#dial', 'Enter');
    await page.waitForSelector('#hang-up');
    await page.waitForFunction(() => document.querySelector('#dial').value === '');
  });

  it('an account is added without a mouse: the first field has the focus, and Enter goes on', async () => {
    const page = await start('first-run');
    await page.click('#add-account');
    await page.waitForFunction(() => document.activeElement?.id === 'account-domain');
    await page.keyboard.type('pbx.example');
    await page.keyboard.press('Tab');
    await page.keyboard.type('1001');
    await page.keyboard.press('Tab');
    await page.keyboard.type('right');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement?.id === 'account-done');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement?.id === 'dial');
  });

  it('a pasted number is cleaned', async () => {
    const page = await start('home');
    await page.focus('#dial');
    await page.evaluate(() => {
      const clipboardData = new DataTransfer();
      clipboardData.setData('text/plain', ' \u202a+49 (0)30 123-45\u202c ');
      document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    });
    expect(await value(page, '#dial')).toBe('+493012345');
  });

  it('the keypad types where the caret is, and shows its keys from left to right', async () => {
    const page = await start('home');
    for (const key of ['1', '*', '#']) await page.click(`[data-key="${key}"]`);
    expect(await value(page, '#dial')).toBe('1*#');
    const x = async (key) => (await page.locator(`[data-key="${key}"]`).boundingBox()).x;
    expect(await x('1')).toBeLessThan(await x('3'));
  });

  it('digits go into the dial field from anywhere; Esc clears it', async () => {
    const page = await start('home');
    await foreignKey(page, '٤', 'Digit4');
    await page.waitForFunction(() => document.activeElement?.id === 'dial');
    await page.keyboard.type('2');
    expect(await value(page, '#dial')).toBe('42');
    await page.keyboard.press('Escape');
    expect(await value(page, '#dial')).toBe('');
  });

  it('a refused call is told below the field, and what was typed stays', async () => {
    const page = await start('home-offline');
    await page.fill('#dial', '600');
    await page.click('#call');
    await page.waitForSelector('#dial-error');
    expect(await value(page, '#dial')).toBe('600');
  });

  it('in a call: digits are sent, M mutes, H holds, Esc does nothing', async () => {
    const page = await start('active');
    await page.keyboard.type('1');
    await foreignKey(page, '٢', 'Digit2');
    await page.keyboard.type('#*');
    await page.keyboard.press('m');
    await page.waitForSelector('#mute[aria-pressed=true]');
    await foreignKey(page, 'ة', 'KeyM');
    await page.waitForSelector('#mute[aria-pressed=false]');
    await page.keyboard.press('h');
    await page.waitForSelector('#hold[aria-pressed=true]');
    // A held call takes no digits: none is offered, none is sent.
    expect(await page.locator('#dtmf').count()).toBe(0);
    await page.keyboard.type('9');
    await page.keyboard.press('Escape');
    expect((await sent(page, 'dtmf')).map((c) => c.digits)).toEqual(['1', '2', '#', '*']);
    expect(await sent(page, 'hang_up', 'reject')).toEqual([]);
  });

  it('digits typed into a field are not sent into the call', async () => {
    const page = await start('active', { width: 1100 });
    await page.fill('#dial', '');
    await page.locator('#dial').pressSequentially('123mh');
    expect(await value(page, '#dial')).toBe('123mh');
    expect(await sent(page, 'dtmf', 'mute', 'hold')).toEqual([]);
  });

  it('Ctrl+Shift+A answers, Ctrl+Shift+D ends; the focus then is with the call', async () => {
    const page = await start('incoming');
    expect(await page.getAttribute('#answer', 'aria-keyshortcuts')).toBe('Control+Shift+A');
    await page.keyboard.press('Control+Shift+A');
    await page.waitForSelector('#timer');
    expect(await focused(page)).toBe('call-heading');
    await page.keyboard.press('Control+Shift+D');
    await page.waitForSelector('#hang-up', { state: 'detached' });
    expect((await sent(page, 'answer', 'reject', 'hang_up')).map((c) => c.command)).toEqual(['answer', 'hang_up']);
  });

  it('the figures of a call begin with its last minute, as a line and in words', async () => {
    const page = await start('active');
    await page.click('.quality summary');
    // The first of all is older than a minute. (The backend itself tells the last one again each second.)
    await scores(page, [1.2, ...Array(30).fill(4.1), 2.6, ...Array(30).fill(4.1)]);
    const line = '.quality svg[role=img]';
    await page.waitForFunction((line) => document.querySelector(`${line} path`)?.getAttribute('d').match(/[ML]/g).length === 60, line);
    expect(await page.getAttribute(line, 'aria-label')).toMatch(/4.1.*2.6/);
    await scores(page, [3.5]);
    await page.waitForFunction((line) => /3.5.*2.6/.test(document.querySelector(line).getAttribute('aria-label')), line);
  });

  it('a second call shows over the first, and declining it leaves the first alone', async () => {
    const page = await start('incoming-second');
    await page.keyboard.press('Control+Shift+D');
    await page.waitForSelector('#answer', { state: 'detached' });
    expect(await sent(page, 'reject', 'hang_up')).toEqual([{ command: 'reject', call: 2 }]);
    expect(await page.locator('#timer, .strip').count()).toBeGreaterThan(0);
  });

  it('an incoming call does not take the focus from somebody who types', async () => {
    const page = await start('home');
    await page.locator('#dial').pressSequentially('12');
    await emit(page, { event: 'call_changed', call: callView(50, { state: 'incoming' }, { peer: { name: 'Nora', address: '7' }, actions: ['answer', 'reject'] }) });
    await page.waitForSelector('#answer');
    await page.keyboard.type('3');
    expect(await value(page, '#dial')).toBe('123');
    expect(await page.textContent('[role=alert]')).toContain('Nora');
  });

  it('what a call does not offer is not there', async () => {
    const page = await start('active', { pace: 1 });
    await emit(page, { event: 'call_changed', call: callView(1, { state: 'active', since_ms: Date.now(), hold: 'none', muted: false }) });
    await page.waitForSelector('#hang-up', { state: 'detached' });
    expect(await page.locator('#mute, #hold, #dtmf').count()).toBe(0);
    await page.keyboard.press('m');
    await page.keyboard.press('Control+Shift+D');
    await page.keyboard.type('5');
    expect(await sent(page, 'mute', 'hang_up', 'dtmf')).toEqual([]);
  });

  it('an ended call says why, offers to call again, and goes', async () => {
    const page = await start('home', { pace: 0.3 });
    await page.fill('#dial', 'busy@pbx.example');
    await page.press('#dial', 'Enter');
    await page.waitForSelector('.reason');
    expect((await page.textContent('.reason')).length).toBeGreaterThan(5);
    await page.waitForSelector('.reason', { state: 'detached' });
    await page.waitForSelector('#dial');
  });

  it('an account: what is missing, what is wrong, and then it works', async () => {
    const page = await start('first-run');
    await page.click('#add-account');
    await page.click('#account-submit');
    expect(await focused(page)).toBe('account-domain');
    expect(await sent(page, 'add_account')).toEqual([]);
    await page.fill('#account-domain', 'pbx.example');
    await page.fill('#account-user', '1001');
    await page.fill('#account-password', 'wrong');
    await page.click('#account-submit');
    await page.waitForSelector('#account-password-error');
    await page.fill('#account-password', 'right');
    expect(await page.locator('#account-password-error').count()).toBe(0);
    await page.click('#account-submit');
    await page.click('#account-done');
    await page.waitForSelector('#dial');
    expect(await page.locator('#connection .dot.up').count()).toBe(1);
    // The same account was mended: no second one was made.
    expect((await sent(page, 'add_account', 'change_account')).map((c) => c.command)).toEqual(['add_account', 'change_account']);
    expect(page.complaints).toEqual([]);
  });

  it('a deleted entry comes back when it is undone, and is deleted when it is not', async () => {
    const page = await start('home');
    const rows = page.locator('#recent li');
    const before = await rows.count();
    await page.locator('#recent .main').first().focus();
    await page.keyboard.press('Delete');
    await page.waitForFunction((n) => document.querySelectorAll('#recent li').length === n, before - 1);
    await page.click('.toast .undo');
    await page.waitForFunction((n) => document.querySelectorAll('#recent li').length === n, before);
    expect(await sent(page, 'delete_history_entry')).toEqual([]);
    await page.locator('#recent .main').first().focus();
    await page.keyboard.press('Delete');
    await page.evaluate(() => dispatchEvent(new Event('pagehide')));
    expect(await sent(page, 'delete_history_entry')).toEqual([{ command: 'delete_history_entry', entry: '100' }]);
  });

  it('the call log by keyboard: arrows move, Enter puts the number into the dial field, Enter calls', async () => {
    const page = await start('home');
    await page.locator('#recent .main').first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement?.id === 'dial');
    expect(await value(page, '#dial')).toBe('+49 30 1234567');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#timer');
    expect(await sent(page, 'call')).toMatchObject([{ to: '+49301234567' }]);
  });

  it('settings: devices by id, the theme at once, the meter only while they are open', async () => {
    const page = await start('home');
    await page.click('#settings');
    await page.click('#page-sound');
    await page.selectOption('#device-microphone', 'built-in');
    await page.keyboard.press('Escape');
    await page.click('#page-appearance');
    await page.locator('input[name=theme][value=dark]').check({ force: true });
    await page.waitForSelector('html[data-theme=dark]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('#page-appearance');
    await page.keyboard.press('Escape');
    await page.waitForSelector('#dial');
    expect((await sent(page, 'select_device', 'meter')).map(({ command: _, ...rest }) => rest)).toEqual([
      { on: true },
      { role: 'microphone', device: 'built-in' },
      { on: false },
    ]);
  });

  it('text of strangers stays text', async () => {
    const page = await start('home-hostile');
    expect(await page.locator('#recent img, #recent script, #recent b').count()).toBe(0);
    expect(await page.textContent('#recent li .who')).toContain('<img src=x onerror=alert(1)>');
    expect(page.complaints).toEqual([]);
  });

  it('numbers stand from left to right, names in their own direction', async () => {
    const page = await start('home');
    expect(await page.locator('#recent bdi.number').count()).toBeGreaterThan(0);
    for (const bdi of await page.locator('#recent bdi.number').all()) expect(await bdi.getAttribute('dir')).toBe('ltr');
    for (const bdi of await page.locator('#recent bdi.name').all()) expect(await bdi.getAttribute('dir')).toBe('auto');
  });

  it('everything by keyboard: from the first page to the end of a call', async () => {
    const page = await start('first-run');
    const tabTo = async (id) => {
      for (let i = 0; i < 40 && (await focused(page)) !== id; i += 1) await page.keyboard.press('Tab');
      expect(await focused(page)).toBe(id);
    };
    await tabTo('practice-call');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#timer');
    await tabTo('hang-up');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#dial');
    await tabTo('settings');
    await page.keyboard.press('Enter');
    await tabTo('page-sound');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#device-speaker');
    expect(await focused(page)).toBe('settings-heading');
  });
});
