// The sound's page and the headset's test: what is sent, what is said of it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from './browser.mjs';
import { emit, focused, sent } from './page.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

describe.each(['en', 'ar', 'fa'])('%s', (lang) => {
  const start = async (scenario = 'home', more) => {
    const page = await browser.page({ scenario, lang, ...more });
    await page.click('#settings');
    await page.click('#page-sound');
    await page.waitForSelector('#device-microphone');
    return page;
  };
  const sound = async (page) => (await sent(page, 'change_settings')).map(({ settings }) => settings.sound);

  it('each change of the sound is one command with the rest as it was', async () => {
    const page = await start();
    await page.locator('#noise_suppression').uncheck({ force: true });
    await page.locator('input[name=echo][value=off]').check({ force: true });
    await page.focus('#volume-speaker');
    await page.keyboard.press('ArrowDown');
    await page.click('#mute-ringer');
    await page.waitForSelector('#mute-ringer[aria-pressed=true]');
    await page.focus('#sidetone');
    await page.keyboard.press('ArrowUp');
    expect(await sound(page)).toMatchObject([
      { noise_suppression: false, echo_cancellation: 'auto' },
      { noise_suppression: false, echo_cancellation: 'off' },
      { speaker: { percent: 95, muted: false } },
      { ringer: { percent: 100, muted: true }, speaker: { percent: 95 } },
      { sidetone: 5, ringer: { muted: true } },
    ]);
    expect(await page.locator('.muted-words:visible').count()).toBe(1);
    await page.focus('#reset-sound');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#mute-ringer[aria-pressed=false]');
    expect(await page.isChecked('#noise_suppression')).toBe(true);
  });

  it('raw switches the rest off and back as it was', async () => {
    const page = await start();
    await page.locator('#raw').check({ force: true });
    await page.waitForSelector('#high_pass:disabled');
    expect(await page.isChecked('#high_pass')).toBe(true);
    await page.locator('#raw').uncheck({ force: true });
    await page.waitForSelector('#high_pass:enabled');
  });

  it('several devices ring, one that is gone stays in the list, none is the speaker', async () => {
    const page = await start('sound-chosen');
    expect(await page.locator('#ringers input:checked').count()).toBe(3);
    await page.locator('#ringer-2').click({ force: true });
    await page.waitForSelector('#ringer-2', { state: 'detached' });
    await page.locator('#ringer-0').uncheck({ force: true });
    await page.locator('#ringer-1').uncheck({ force: true });
    expect((await sent(page, 'select_ringers')).map((c) => c.devices)).toEqual([['hdmi', 'jabra-out'], ['hdmi'], []]);
    expect(await page.locator('#ringers input:checked').count()).toBe(0);
  });

  it('what the administrator fixed is seen and cannot be changed', async () => {
    const page = await start();
    await emit(page, { event: 'settings_changed', settings: { welcomed: true, language: lang, sound: { raw: false } }, provenance: { sound: 'locked' } });
    await page.waitForSelector('#volume-speaker:disabled');
    expect(await page.locator('#noise_suppression').isDisabled()).toBe(true);
    expect(await page.locator('#mute-microphone').isDisabled()).toBe(true);
    expect(await page.locator('#device-microphone').isDisabled()).toBe(false);
  });

  it('the headset is tested in three steps by keyboard', async () => {
    // The steps come by hand, each when the one before was seen.
    const page = await start('home', { pace: 1000 });
    const tell = (test) => emit(page, { event: 'headset_test', test });
    const verdict = { text: { code: 'test.good', params: {} }, speech_db: -24, noise_db: -60, peak: 0.4 };
    await page.focus('#headset-start');
    await page.keyboard.press('Enter');
    await page.waitForSelector('ol > li:nth-child(1)[aria-current=step]');
    expect(await focused(page)).toBe('headset-start');
    await tell({ state: 'playing', verdict });
    await page.waitForSelector('ol > li:nth-child(2)[aria-current=step]');
    expect(await page.locator('.said .good').count()).toBe(0);
    await tell({ state: 'done', verdict });
    await page.waitForSelector('.said .good');
    await page.click('.test summary');
    expect(await page.textContent('.test dl')).toMatch(/24|۲۴/);
    expect(await sent(page, 'test_headset')).toEqual([{ command: 'test_headset', seconds: 5 }]);
    await tell({ state: 'recording', seconds: 5 });
    await page.waitForSelector('ol > li:nth-child(1)[aria-current=step]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('#headset-start', { state: 'detached' });
    expect((await sent(page, 'test_headset')).at(-1)).toEqual({ command: 'test_headset', seconds: 0 });
    expect((await sent(page, 'meter')).map((c) => c.on)).toEqual([true, false]);
  });

  it('during a call the test says that it cannot be now', async () => {
    const page = await start();
    await page.click('#headset-start');
    await emit(page, { event: 'command_failed', command: 'test_headset', call: null, account: null, text: { code: 'command.not_now', params: {} } });
    await page.waitForSelector('.said .warning');
  });

  it.each(['first-run', 'home', 'home-practice-only'])('it is reached from %s, and leaving it closes the microphone', async (scenario) => {
    const page = await browser.page({ scenario, lang, pace: 1000 });
    await page.click('#test-headset');
    await page.waitForSelector('dialog[open] #device-microphone');
    await page.click('#headset-start');
    await page.waitForSelector('dialog .now');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
    expect(await sent(page, 'meter', 'test_headset')).toEqual([
      { command: 'meter', on: true },
      { command: 'test_headset', seconds: 5 },
      { command: 'test_headset', seconds: 0 },
      { command: 'meter', on: false },
    ]);
  });
});
