// Files of customers, each in English and in Arabic: looked at, mapped, imported, stopped, undone, exported.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from './browser.mjs';
import { focused, sent } from './page.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

const TABLE = 'Name,Company,Phone,E-mail,Remark\nAnna Schmidt,Schmidt GmbH,+49 30 1234567,anna@schmidt.example,rings back\nليلى حسن,,+966 11 460 2200,,\nSara again,,+98 21 8820 1140,,\n,,,,nobody\n';
const asked = async (page, what) => (await sent(page, 'customer_files')).map((c) => c.ask).filter((ask) => ask.do === what);
const text = (page, id) => page.textContent(`#${id}`);

describe.each(['en', 'ar'])('%s', (lang) => {
  const customers = async () => {
    const page = await browser.page({ scenario: 'home', lang });
    await page.click('#nav-customers');
    await page.waitForSelector('#customers-import');
    return page;
  };
  const looked = async (page, name = 'customers.csv') => {
    await page.setInputFiles('#customers-file', { name, mimeType: 'text/csv', buffer: Buffer.from(TABLE) });
    await page.waitForSelector('#import-start:not([disabled])');
  };

  it('says what it would do before it does it', async () => {
    const page = await customers();
    await looked(page);
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('H1');
    expect(await asked(page, 'start')).toEqual([]);
    expect(await page.locator('#import-first li').count()).toBe(3);
    expect(await page.locator('#import-skipped-rows li').count()).toBe(2);
    const digits = async (id) => (await text(page, id)).replace(/[٠-٩]/g, (d) => '٠١٢٣٤٥٦٧٨٩'.indexOf(d));
    expect([await digits('import-fresh'), await digits('import-known'), await digits('import-skipped')]).toEqual(['2', '1', '1']);
    expect(page.complaints).toEqual([]);
  });

  it('a column is mapped by the keyboard, the file imported, and the import undone', async () => {
    const page = await customers();
    await looked(page);
    expect(await page.inputValue('#import-column-4')).toBe('nothing');
    await page.selectOption('#import-column-4', 'notes');
    await page.waitForFunction(() => document.querySelector('#import-first')?.textContent.includes('rings back'));
    await page.focus('#import-start');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#import-undo');
    expect((await asked(page, 'start'))[0]).toEqual({ do: 'start', known_too: false });
    await page.click('#import-save-skipped');
    await page.click('#import-close');
    await page.waitForFunction(() => document.querySelector('#customers')?.textContent.includes('Anna Schmidt'));
    await page.click('#import-undo-last');
    await page.waitForFunction(() => !document.querySelector('#customers')?.textContent.includes('Anna Schmidt'));
    expect(page.complaints).toEqual([]);
  });

  it('is stopped half way, and what is there already can be taken twice', async () => {
    const page = await customers();
    // One that the fake backend is never through with.
    await looked(page, 'long.csv');
    await page.click('#import-known-too');
    await page.click('#import-start');
    await page.click('#import-stop');
    await page.waitForSelector('#import-close');
    expect((await asked(page, 'start'))[0]).toEqual({ do: 'start', known_too: true });
    expect(page.complaints).toEqual([]);
  });

  it('a file that is none says so, and Esc puts it away', async () => {
    const page = await customers();
    await page.setInputFiles('#customers-file', { name: 'picture.png', mimeType: 'image/png', buffer: Buffer.from('no table') });
    await page.waitForSelector('.page [role=alert]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('#customer-search');
    expect(page.complaints).toEqual([]);
  });

  it('customers who are there twice are made one, and two again', async () => {
    const page = await customers();
    await page.click('#customers-twice');
    await page.waitForSelector('.group');
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('H1');
    await page.locator('.group input[type=radio]').nth(1).check();
    await page.locator('.group .button').focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('.group', { state: 'detached' });
    const [merge] = (await sent(page, 'duplicates')).map((c) => c.ask).filter((ask) => ask.do === 'merge');
    expect(merge).toMatchObject({ customer: { id: 5, name: 'خالد السالم', stage: 'qualified', numbers: ['+971 4 330 1000'] }, others: [4] });
    await page.click('.toast button');
    await page.waitForSelector('.group');
    await page.keyboard.press('Escape');
    await page.waitForSelector('#customer-search');
    expect(page.complaints).toEqual([]);
  });

  it('all customers are written to a file', async () => {
    const page = await customers();
    await page.click('#customers-export-vcard');
    await page.waitForSelector('.toast');
    expect(await asked(page, 'export')).toEqual([{ do: 'export', format: 'vcard' }]);
    expect(await focused(page)).toBe('customers-export-vcard');
  });
});
