// The settings page: each setting in force at once, whose choice it is, and the way to another computer and back.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from './browser.mjs';
import { emit, sent } from './page.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

describe.each(['en', 'ar'])('%s', (lang) => {
  const start = async (scenario, more) => {
    const page = await browser.page({ scenario, lang, ...more });
    await page.click('#settings');
    await page.waitForSelector('#text-size');
    return page;
  };
  const file = (text) => ({ name: 'hatif-settings.json', mimeType: 'application/json', buffer: Buffer.from(text) });

  it('contrast, motion and the size of the text hold at once', async () => {
    const page = await start('home');
    const colour = () => page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--text'));
    const before = await colour();
    await page.locator('input[name=contrast][value=more]').check({ force: true });
    await page.waitForSelector('html[data-contrast=more]');
    expect(await colour()).not.toBe(before);
    await page.locator('input[name=motion][value=none]').check({ force: true });
    await page.waitForSelector('html[data-motion=none]');
    await page.focus('#text-size');
    await page.keyboard.press('End');
    await page.waitForFunction(() => getComputedStyle(document.documentElement).fontSize === '32px');
    expect(await sent(page, 'change_settings')).toMatchObject([
      { settings: { contrast: 'more' } },
      { settings: { motion: 'none' } },
      { settings: { text_size: 200 } },
    ]);
    const wide = () => [...document.querySelectorAll('.front *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 200));
    expect(await page.evaluate(wide)).toEqual([]);
  });

  it('with text at twice the size a window of 1100 px is a narrow one', async () => {
    const page = await start('home', { width: 1100 });
    await page.focus('#text-size');
    await page.keyboard.press('End');
    await page.waitForFunction(() => getComputedStyle(document.documentElement).fontSize === '32px');
    await page.click('#nav-home');
    await page.waitForSelector('#dial');
    expect(await page.locator('.front').isVisible()).toBe(false);
  });

  it('digits and calendar change the times, not the phone numbers', async () => {
    const page = await start('home');
    await page.selectOption('#numerals', 'persian');
    await page.selectOption('#calendar', 'persian');
    await page.waitForFunction(() => /[۰-۹]/.test(document.querySelector('#calendar-hint').textContent));
    expect(await page.textContent('#calendar-hint')).toContain(
      await page.evaluate((l) => new Intl.DateTimeFormat(`${l}-u-ca-persian-nu-arabext`, { year: 'numeric' }).formatToParts(Date.now()).find((p) => p.type === 'year').value, lang),
    );
    await page.click('#nav-home');
    await page.waitForFunction(() => [...document.querySelectorAll('#recent li')].some((li) => /[۰-۹]/.test(li.textContent)));
    const numbers = await page.locator('#recent bdi[dir=ltr]').allTextContents();
    expect(numbers.join('')).not.toMatch(/[۰-۹]/);
  });

  it('what the administrator fixed is seen and cannot be changed; what is mine goes back to its default', async () => {
    const page = await start('settings-managed');
    expect(await page.locator('input[name=contrast]').first().isDisabled()).toBe(true);
    expect(await page.locator('[data-setting=contrast] .origin, [data-setting=numerals] .origin').count()).toBe(2);
    expect(await page.locator('#numerals').isDisabled()).toBe(false);
    expect(await page.locator('#reset-contrast, #reset-numerals, #reset-theme').count()).toBe(0);
    await page.focus('#reset-text_size');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#reset-text_size', { state: 'detached' });
    expect(await sent(page, 'reset_setting')).toEqual([{ command: 'reset_setting', setting: 'text_size' }]);
    await page.waitForFunction(() => getComputedStyle(document.documentElement).fontSize === '16px');
  });

  it('a refusal names the setting in words', async () => {
    const page = await start('home');
    const params = { setting: 'text_size', low: '80', high: '200' };
    await emit(page, { event: 'command_failed', command: 'change_settings', text: { code: 'settings.out_of_range', params } });
    const words = await page.textContent('#settings-refused');
    expect(words).toContain('200');
    expect(words).not.toContain('text_size');
    expect(words).toContain(await page.textContent('label[for=text-size]'));
  });

  it('settings are saved as a file, taken from one, and a file of something else changes nothing', async () => {
    const page = await start('home');
    await page.click('#settings-export');
    await page.waitForFunction(() => document.querySelector('.answer')?.textContent.includes('hatif-settings.json'));
    const picker = page.locator('input[type=file]');
    await picker.setInputFiles(file('{"hatif_settings":1,"settings":{"theme":"dark","devices":{}}}'));
    await page.waitForSelector('html[data-theme=dark]');
    await page.waitForSelector('.answer .warning');
    await picker.setInputFiles(file('a holiday picture'));
    await page.waitForSelector('.answer .error');
    expect((await sent(page, 'import_settings')).length).toBe(2);
    expect(page.complaints).toEqual([]);
  });
});
