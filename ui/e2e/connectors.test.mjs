// Connectors: what they know on the card, how one is added and tried, what waits to be sent. In English and in Arabic.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from './browser.mjs';
import { sent } from './page.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

const asked = async (page, what) => (await sent(page, 'connectors')).map((c) => c.ask).filter((ask) => ask.do === what);

describe.each(['en', 'ar'])('%s', (lang) => {
  const start = (scenario, more) => browser.page({ scenario, lang, ...more });
  const settings = async (page) => {
    await page.click('#settings');
    await page.click('#page-connectors');
    await page.waitForSelector('#connector-add');
  };

  it('the CRM says who rings, beside what is known here', async () => {
    const page = await start('connected-incoming');
    await page.waitForSelector('#card-brief .source');
    const card = await page.textContent('#card-brief');
    expect(card).toContain('Order 88-114 is late');
    expect(card).toContain('#412');
    expect(card).toContain('Request Tracker');
    expect(page.complaints).toEqual([]);
  });

  it('a record is opened where it is kept', async () => {
    const page = await start('connected-active');
    await page.locator('.card .source .button').click();
    expect(await asked(page, 'open')).toEqual([{ do: 'open', call: 1, connector: 1, record: '17' }]);
  });

  it('what is said changes while it rings: asked, failed, found', async () => {
    const page = await start('connected-incoming');
    const tell = (source) =>
      page.evaluate((source) => window.hatifFake.emit({ event: 'connectors', told: { about: 'looked_up', found: { call: 1, sources: [source] } } }), source);
    const source = { connector: 1, name: 'Request Tracker', looking: true, records: [], problem: null };
    await tell(source);
    await page.waitForSelector('#card-brief .source[aria-busy=true]');
    expect(await page.textContent('#card-brief')).toContain('Order 88-114 is late');
    await tell({ ...source, looking: false, problem: { code: 'connector.timed_out', params: {} } });
    await page.waitForSelector('#card-brief .source[aria-busy=false]');
    expect((await page.textContent('#card-brief .source')).length).toBeGreaterThan('Request Tracker:'.length + 10);
  });

  it('one is added by keyboard from an example, tried, and kept', async () => {
    const page = await start('home');
    await settings(page);
    await page.focus('#connector-add');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement?.id === 'connector-example');
    await page.selectOption('#connector-example', 'request-tracker');
    await page.fill('#connector-field-base', 'https://rt.example');
    await page.fill('#connector-field-user', 'hatif');
    await page.fill('#connector-field-password', 'secret');
    await page.fill('#connector-number', '+982188201140');
    await page.click('#connector-try');
    await page.waitForSelector('#connector-tried .banner');
    await page.fill('#connector-field-password', 'right');
    await page.click('#connector-try');
    await page.waitForFunction(() => document.querySelector('#connector-tried')?.textContent?.includes('Sara Ahmadi'));
    expect(await asked(page, 'save')).toEqual([]);
    await page.focus('#connector-logs_calls');
    await page.keyboard.press('Space');
    await page.focus('#connector-save');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#connector-2');
    const [save] = await asked(page, 'save');
    expect(save.connector).toMatchObject({
      id: 0, name: 'Request Tracker', fields: { base: 'https://rt.example', user: 'hatif', rt_queue: 'General' }, secrets: { password: 'right' },
      looks_up: true, logs_calls: true,
    });
    expect(page.complaints).toEqual([]);
  });

  it('an unverified one says so, and a file that is none is refused', async () => {
    const page = await start('home');
    await settings(page);
    await page.click('#connector-add');
    await page.selectOption('#connector-example', 'hubspot');
    await page.waitForSelector('#connector-form .banner');
    const picker = page.locator('#connector-form input[type=file]');
    await picker.setInputFiles({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from('nonsense') });
    await page.waitForFunction(() => document.querySelector('#connector-form .answer')?.textContent?.includes('line 1'));
    await page.focus('#connector-cancel');
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.activeElement?.id === 'connector-add');
    expect(await asked(page, 'save')).toEqual([]);
  });

  it('what failed is sent again or given up', async () => {
    const page = await start('connected-home');
    await settings(page);
    expect(await page.locator('#connector-outbox li').count()).toBe(3);
    expect(await page.textContent('#connector-outbox')).toContain('Queue is disabled');
    await page.locator('#connector-outbox li').first().locator('button').first().click();
    await page.waitForFunction(() => document.querySelectorAll('#connector-outbox li').length === 2);
    await page.locator('#connector-outbox button').first().click();
    await page.waitForFunction(() => document.querySelectorAll('#connector-outbox li').length === 1);
    expect([await asked(page, 'retry'), await asked(page, 'discard')]).toEqual([[{ do: 'retry', item: '1' }], [{ do: 'discard', item: '2' }]]);
  });

  it('a connector is deleted after a question, and its password is not shown again', async () => {
    const page = await start('connected-home');
    await settings(page);
    await page.click('#connector-1');
    await page.waitForSelector('#connector-form');
    expect(await page.inputValue('#connector-field-password')).toBe('');
    await page.click('#connector-delete');
    await page.click('#connector-delete-yes');
    await page.waitForSelector('#connector-1', { state: 'detached' });
    expect(await asked(page, 'delete')).toEqual([{ do: 'delete', connector: 1 }]);
  });
});
