// The call log's own screen, and the suggestions of the dial field that come of it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from './browser.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

const sent = (page, name) => page.evaluate((name) => window.hatifFake.sent.filter((c) => c.command === name), name);
const names = (page) => page.locator('#history .who').allTextContents();
const rows = (page, count) => page.waitForFunction((n) => document.querySelectorAll('#history li').length === n, count);

describe.each(['en', 'ar'])('%s', (lang) => {
  const start = (scenario, more) => browser.page({ scenario, lang, ...more });
  const history = async (scenario, more) => {
    const page = await start(scenario, more);
    await page.click('#nav-history');
    return page;
  };

  it.each([
    ['كريمي', 'امید کریمی'],
    ['٩١٢ ٠٠٠', 'امید کریمی'],
    ['kohler', 'Thomas Köhler'],
    ['021 8820', 'Sara Ahmadi'],
  ])('finds %s in any spelling', async (typed, name) => {
    const page = await history('home');
    await rows(page, 11);
    await page.fill('#history-search', typed);
    await rows(page, 1);
    expect(await names(page)).toEqual([name]);
  });

  it('filters by kind, by account and by day; nothing found says so, and one click shows all again', async () => {
    const page = await history('home-two-accounts');
    await rows(page, 11);
    await page.locator('input[name=history-kind][value=missed]').check({ force: true });
    await rows(page, 1);
    await page.selectOption('#history-account', '3');
    await page.waitForSelector('.empty');
    expect((await sent(page, 'find_history')).at(-1).filter).toMatchObject({ missed: true, account: 3 });
    await page.click('.empty button');
    await rows(page, 11);
    await page.selectOption('#history-period', { index: 2 });
    expect((await sent(page, 'find_history')).at(-1).filter.from_ms).toBeGreaterThan(0);
  });

  it('by keyboard: from the search into the list, through it, and its number into the dial field', async () => {
    const page = await history('home');
    await rows(page, 11);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement?.id === 'dial');
    expect(await page.inputValue('#dial')).toBe('+49 30 1234567');
  });

  it('a deleted call comes back when it is undone; the whole log goes only when asked twice', async () => {
    const page = await history('home');
    await rows(page, 11);
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction(() => document.activeElement?.dataset.row === '100');
    await page.keyboard.press('Delete');
    await rows(page, 10);
    await page.click('.toast .undo');
    await rows(page, 11);
    await page.click('#history-clear');
    expect(await sent(page, 'clear_history')).toEqual([]);
    await page.click('#clear-confirmed');
    await page.waitForSelector('.empty');
    expect(await sent(page, 'clear_history')).toHaveLength(1);
  });

  it('a hundred thousand calls: a few rows in the page, more as they are scrolled to, any found by name', async () => {
    const page = await history('history-long');
    await page.waitForSelector('#history li');
    const drawn = () => page.locator('#history li').count();
    expect(await drawn()).toBeLessThan(40);
    for (let i = 0; i < 3; i++) {
      const height = await page.locator('#history').evaluate((view) => ((view.scrollTop = view.scrollHeight), view.scrollHeight));
      await page.waitForFunction((height) => document.querySelector('#history').scrollHeight > height, height);
    }
    expect((await sent(page, 'find_history')).filter((c) => c.before !== null).length).toBeGreaterThanOrEqual(3);
    expect(await drawn()).toBeLessThan(40);
    await page.fill('#history-search', 'sara 970');
    await page.waitForFunction(() => document.querySelector('#history .who')?.textContent.includes('Sara Ahmadi 970'));
  });

  it('a call that ends while the log is open comes to its head', async () => {
    const page = await history('home', { width: 1100 });
    await rows(page, 11);
    await page.keyboard.press('Control+k');
    await page.locator('#dial').pressSequentially('busy@pbx.example');
    await page.keyboard.press('Enter');
    await page.click('#nav-history');
    await rows(page, 12);
    expect((await names(page))[0]).toContain('busy@pbx.example');
  });

  it('the dial field suggests whom one knows; Enter calls the one that was walked to, Esc keeps what was typed', async () => {
    const page = await start('home');
    await page.locator('#dial').pressSequentially('كريم');
    await page.waitForSelector('#dial-suggestions');
    expect(await page.getAttribute('#dial', 'aria-expanded')).toBe('true');
    await page.keyboard.press('ArrowDown');
    expect(await page.getAttribute('#dial', 'aria-activedescendant')).toBe('dial-suggestions-0');
    await page.keyboard.press('Escape');
    await page.waitForSelector('#dial-suggestions', { state: 'detached' });
    expect(await page.inputValue('#dial')).toBe('كريم');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#timer');
    expect(await sent(page, 'call')).toMatchObject([{ to: '09120004321' }]);
  });

  it('an empty dial field suggests what was dialled last; what is typed is called as typed', async () => {
    const page = await start('home');
    await page.focus('#dial');
    await page.keyboard.press('ArrowDown');
    expect(await page.locator('#dial-suggestions li').count()).toBe(5);
    await page.keyboard.type('1');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#timer');
    expect(await sent(page, 'call')).toMatchObject([{ to: '1' }]);
  });
});
