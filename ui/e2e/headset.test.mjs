// The buttons and lamps of headsets: what is there, what is sent, in words.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from './browser.mjs';
import { HEADSET, emit, headsets, heard, sent } from './page.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

describe.each(['en', 'ar', 'fa'])('%s', (lang) => {
  const start = async () => {
    const page = await browser.page({ scenario: 'home', lang });
    await page.click('#settings');
    await page.click('#page-sound');
    await page.waitForSelector('#headset-buttons');
    return page;
  };
  const lines = (page) => page.locator('#headset-heard li').count();

  it('a headset comes, its lamps follow, it tells what was pressed, and goes', async () => {
    const page = await start();
    await page.waitForSelector('#headsets-none');
    await headsets(page);
    await page.waitForSelector('#headset-1');
    expect(await page.textContent('#headset-1')).toBe(HEADSET.name);
    expect(await page.locator('.headset .chip').count()).toBe(HEADSET.buttons.length + HEADSET.lamps.length);
    expect(await page.locator('.headset .chip.good').count()).toBe(2);
    // Let go is no news; put down is.
    await page.waitForFunction(() => document.querySelectorAll('#headset-heard li').length === 2);
    await heard(page, 'hook', false, 'hang_up');
    await page.waitForFunction(() => document.querySelectorAll('#headset-heard li').length === 3);
    for (let n = 0; n < 9; n += 1) await heard(page, 'flash', true, 'hold');
    expect(await lines(page)).toBe(6);
    await emit(page, { event: 'headsets', told: { told: 'changed', headsets: { headsets: [], denied: [] } } });
    await page.waitForSelector('#headsets-none');
  });

  it('two headsets are told apart; one that floods and one that is denied are named', async () => {
    const page = await start();
    const other = { ...HEADSET, id: 2, name: '<b>Other</b>', floods: true, lamps: [] };
    await headsets(page, [HEADSET, other], ['Third']);
    await page.waitForSelector('#headset-2');
    expect(await page.textContent('#headset-2')).toBe('<b>Other</b>');
    expect(await page.locator('.floods').count()).toBe(1);
    expect(await page.locator('.banner .title').allTextContents()).toEqual([expect.stringContaining('Third')]);
    expect(await page.locator('#headset-heard li bdi').allTextContents()).toEqual([HEADSET.name, HEADSET.name]);
  });

  it('can be switched off', async () => {
    const page = await start();
    await headsets(page);
    await page.locator('#headset-buttons').uncheck({ force: true });
    await page.waitForSelector('#headset-heard', { state: 'detached' });
    expect((await sent(page, 'change_settings')).map(({ settings }) => settings.headset_buttons)).toEqual([false]);
  });
});
