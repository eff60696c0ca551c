// What the desktop around the window hands over, and the settings of it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from './browser.mjs';
import { emit, sent, value } from './page.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

const filled = (text) => ({ event: 'desktop', happened: { desktop: 'fill', text } });

describe.each(['en', 'ar'])('%s', (lang) => {
  const keys = async (page, id, ...pressed) => {
    await page.focus(id);
    for (const key of pressed) await page.keyboard.press(key);
  };

  it('a link fills the field, and Enter that was on its way is not meant for it', async () => {
    const page = await browser.page({ scenario: 'home', lang });
    // In one go, as two programs do it: nobody can read so fast.
    await page.evaluate((event) => {
      window.hatifFake.emit(event);
      document.querySelector('#dial').form.requestSubmit();
    }, filled('+4930666'));
    await page.waitForFunction(() => document.querySelector('#dial').value === '+4930666');
    expect(await sent(page, 'call')).toEqual([]);
    const read = performance.now() + 700;
    await page.waitForFunction((until) => performance.timeOrigin + performance.now() > until, performance.timeOrigin + read);
    await page.press('#dial', 'Enter');
    expect(await sent(page, 'call')).toMatchObject([{ to: '+4930666' }]);
  });

  it('a link comes wherever one is, and one that names nobody is told', async () => {
    const page = await browser.page({ scenario: 'home', lang });
    expect(await sent(page, 'desktop')).toEqual([{ command: 'desktop', ask: { desktop: 'waiting' } }]);
    await page.click('#settings');
    await emit(page, filled('112'));
    await page.waitForSelector('#dial:focus');
    expect(await value(page, '#dial')).toBe('112');
    const before = await page.locator('.toast').count();
    await emit(page, { event: 'desktop', happened: { desktop: 'bad_link' } });
    await page.waitForFunction((before) => document.querySelectorAll('.toast').length > before, before);
  });

  it('keys are taken as they are pressed, given back, and a conflict is told', async () => {
    const page = await browser.page({ scenario: 'home', lang });
    await page.click('#settings');
    await page.click('#page-desktop');
    await keys(page, '#hotkey-answer', 'Control+Shift+KeyA');
    await page.waitForFunction(() => document.querySelector('#hotkey-answer').value === 'Ctrl+Shift+A');
    await keys(page, '#hotkey-mute', 'KeyM');
    await page.waitForSelector('#hotkey-mute-error');
    await keys(page, '#hotkey-answer', 'Delete');
    await page.waitForFunction(() => document.querySelector('#hotkey-answer').value === '');
    const changed = (await sent(page, 'change_settings')).map((c) => c.settings.desktop.hotkeys.answer);
    expect(changed).toEqual(['Ctrl+Shift+A', null]);
    const view = { tray: false, refused_hotkeys: ['hang_up'], no_hotkeys: false };
    await emit(page, { event: 'desktop', happened: { desktop: 'changed', view } });
    await page.waitForSelector('#hotkey-hang_up-error');
    await page.waitForSelector('#desktop-close_to_tray-hint');
  });
});
