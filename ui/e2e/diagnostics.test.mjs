// The page of diagnostics: kept up while it is shown, filtered, copied without anything of people.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from './browser.mjs';
import { sent } from './page.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

describe.each(['en', 'ar', 'fa'])('%s', (lang) => {
  const start = async (scenario, more) => {
    const page = await browser.page({ scenario, lang, width: 1100, ...more });
    await page.click('#settings');
    await page.click('#page-diagnostics');
    await page.waitForSelector('.lines li');
    return page;
  };
  const lines = (page) => page.locator('.lines li .text').allTextContents();

  it('the log is asked for again, newest first, and filtered by words and gravity', async () => {
    const page = await start('home');
    expect((await lines(page))[0]).toContain('call=1');
    const only = (count) => page.waitForFunction((count) => document.querySelectorAll('.lines li').length === count, count);
    await only(5);
    await page.fill('#log-filter', 'MICROPHONE audio');
    await only(1);
    expect(await lines(page)).toEqual(['sound device lost role=Microphone fault=Gone']);
    await page.fill('#log-filter', '');
    await page.locator('input[name=log-level][value=warnings]').check({ force: true });
    await only(2);
    await page.waitForFunction(() => window.hatifFake.sent.filter((c) => c.command === 'diagnostics').length > 1);
    await page.click('#page-about');
    await page.waitForSelector('.lines', { state: 'detached' });
    const asked = (await sent(page, 'diagnostics')).length;
    await page.click('#page-diagnostics');
    await page.waitForSelector('.lines');
    expect((await sent(page, 'diagnostics')).length).toBeGreaterThan(asked);
  });

  it('a registration that is down says when it is tried again', async () => {
    const page = await start('home-offline');
    const counting = () => page.evaluate(() => document.querySelector('.reason').textContent);
    const before = await counting();
    expect(before).toMatch(/[0-9۰-۹]/);
    await page.waitForFunction((before) => document.querySelector('.reason').textContent !== before, before);
  });

  it('the figures of the call stand there, and what is copied tells of nobody', async () => {
    const page = await start('active', { permissions: ['clipboard-read', 'clipboard-write'] });
    expect(await page.textContent('[aria-labelledby=diagnostics-calls]')).toContain('Opus');
    await page.click('#diagnostics-copy');
    await page.waitForFunction(() => document.querySelector('.answer').textContent !== '');
    const text = await page.evaluate(() => navigator.clipboard.readText());
    for (const part of ['codecs: opus, G722', 'account 2: registrar tls up', 'call 1: account 2 incoming active', 'mos=4.3', 'sound device lost']) expect(text).toContain(part);
    for (const word of ['Sara', '8820', 'Office', 'pbx.example', '1001', 'Jabra', 'Layla']) expect(text).not.toContain(word);
  });

  it('the check says which step fails and why, is copied without a name, and can be run again', async () => {
    const page = await start('home-offline', { permissions: ['clipboard-read', 'clipboard-write'] });
    const asked = async () => (await sent(page, 'check_connection')).map((c) => c.account);
    await page.click('#check-start');
    await page.waitForSelector('#check-steps li.failed p');
    expect(await asked()).toEqual([2]);
    const states = await page.$$eval('#check-steps li', (items) => items.map((item) => item.classList[0]));
    expect(states).toEqual(['passed', 'failed', 'left_out', 'failed', 'failed', 'failed']);
    const words = await page.textContent('#check-steps li:nth-child(2) .name');
    expect(await page.textContent('#check-result')).toContain(words);
    await page.click('#diagnostics-copy');
    await page.waitForFunction(() => document.querySelector('#diagnostics-copied').textContent !== '');
    const text = await page.evaluate(() => navigator.clipboard.readText());
    for (const part of ['check of account 2: name passed, 12 ms', 'connect failed, wire.no_network', 'tls left_out']) expect(text).toContain(part);
    expect(text).not.toContain('pbx.example');
    await page.click('#check-start');
    expect(await asked()).toEqual([2, 2]);
    await page.waitForSelector('#check-steps li.left_out');
  });
});
