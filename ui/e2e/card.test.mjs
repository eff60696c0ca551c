// The caller's card and the address book, each in English and in Arabic.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from './browser.mjs';
import { focused, foreignKey, sent, value } from './page.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

const asked = async (page, what) => (await sent(page, 'customers')).map((c) => c.ask).filter((ask) => ask.do === what);

describe.each(['en', 'ar'])('%s', (lang) => {
  const start = (scenario, more) => browser.page({ scenario, lang, ...more });

  it('a known caller is shown while it rings', async () => {
    const page = await start('incoming');
    await page.waitForSelector('#card-brief .chip');
    const card = await page.textContent('#card-brief');
    expect(card).toContain('Parsian Textiles');
    expect(card).toContain('Order 88-114');
    expect(page.complaints).toEqual([]);
  });

  it('an unknown caller becomes a customer by one key and what is already filled in', async () => {
    const page = await start('active-unknown');
    await page.waitForSelector('#card-new');
    await foreignKey(page, 'ؤ', 'KeyC');
    await page.waitForFunction(() => document.activeElement?.id === 'customer-name');
    expect(await asked(page, 'save')).toEqual([]);
    expect(await value(page, '#customer-name')).toBe('Anna Schmidt');
    expect(await value(page, '#customer-numbers')).toBe('+49 30 1234567');
    await page.fill('#customer-company', 'Schmidt GmbH');
    await page.keyboard.press('Control+Enter');
    await page.waitForSelector('#card-edit');
    expect(await page.textContent('.card')).toContain('Schmidt GmbH');
    const [save] = await asked(page, 'save');
    expect(save.customer).toMatchObject({ id: 0, name: 'Anna Schmidt', company: 'Schmidt GmbH', numbers: ['+49 30 1234567'], stage: 'lead' });
    expect(page.complaints).toEqual([]);
  });

  it('digits typed into the form are no DTMF, and Esc keeps nothing', async () => {
    const page = await start('active-unknown');
    await page.click('#card-new');
    await page.waitForFunction(() => document.activeElement?.id === 'customer-name');
    await page.keyboard.type('123m');
    await page.keyboard.press('Escape');
    await page.waitForSelector('#card-new');
    expect(await sent(page, 'dtmf', 'mute')).toEqual([]);
    expect(await asked(page, 'save')).toEqual([]);
  });

  it('of several customers with one number the agent says which', async () => {
    const page = await start('incoming-which');
    await page.waitForSelector('#card-which');
    expect(await page.locator('#card-which button').count()).toBe(2);
    await page.locator('#card-which button').nth(1).click();
    await page.waitForSelector('#card-which', { state: 'detached' });
    expect(await asked(page, 'choose')).toEqual([{ do: 'choose', call: 1, customer: 5 }]);
  });

  it('the call log names who is a customer', async () => {
    const page = await start('home');
    await page.waitForFunction(() => document.querySelector('#recent')?.textContent?.includes('Thomas Köhler'));
    expect((await asked(page, 'names'))[0].addresses).toContain('+43 1 58058 0');
  });

  it('the address book: searched, changed, deleted, and the deletion undone', async () => {
    const page = await start('home');
    await page.click('#nav-customers');
    await page.waitForFunction(() => document.activeElement?.id === 'customer-search');
    await page.waitForSelector('#customers .main');
    await page.keyboard.type('parsian');
    await page.waitForFunction(() => document.querySelectorAll('#customers li').length === 1);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement?.id === 'customer-name');
    await page.fill('#customer-notes', 'Moved to Shiraz');
    await page.keyboard.press('Control+Enter');
    await page.waitForSelector('#customers .main');
    expect((await asked(page, 'save'))[0].customer).toMatchObject({ id: 1, notes: 'Moved to Shiraz', tags: ['VIP', 'سفارش'] });

    await page.locator('#customers .main').first().focus();
    await page.keyboard.press('Delete');
    await page.waitForSelector('#customers', { state: 'detached' });
    await page.click('.toast button');
    await page.waitForSelector('#customers .main');
    expect(await asked(page, 'delete')).toEqual([]);
    expect(page.complaints).toEqual([]);
  });

  it('a customer is erased for good after a question, and one with a held recording is not', async () => {
    const page = await start('home');
    await page.click('#nav-customers');
    const open = async (name) => {
      await page.fill('#customer-search', name);
      await page.waitForFunction((name) => {
        const rows = document.querySelectorAll('#customers li');
        return rows.length === 1 && rows[0].textContent.toLowerCase().includes(name);
      }, name.toLowerCase());
      await page.click('#customers .main');
      await page.click('#customer-erase');
      await page.waitForSelector('dialog[open]');
    };
    await open('Köhler');
    expect(await asked(page, 'erase')).toEqual([]);
    await page.click('#customer-erase-yes');
    await page.waitForSelector('dialog [role=alert]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
    await page.keyboard.press('Escape');
    await page.waitForSelector('#customer-search');
    await open('parsian');
    await page.click('#customer-erase-yes');
    await page.waitForSelector('dialog', { state: 'detached' });
    await page.waitForSelector('.toast');
    expect((await asked(page, 'erase')).map((ask) => ask.customer)).toEqual([3, 1]);
    expect(await page.locator('#customers .main').count()).toBe(0);
    expect(page.complaints).toEqual([]);
  });

  it('a customer without anything is refused, and what was typed stays', async () => {
    const page = await start('home');
    await page.click('#nav-customers');
    await page.click('#customer-add');
    await page.waitForFunction(() => document.activeElement?.id === 'customer-name');
    await page.fill('#customer-notes', 'who?');
    await page.click('#customer-save');
    await page.waitForSelector('[role=alert]');
    expect(await value(page, '#customer-notes')).toBe('who?');
    expect(await focused(page)).not.toBe('');
  });
});
