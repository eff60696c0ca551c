// What is said of a recording in its player, by hand and by key, in English and in Arabic.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from './browser.mjs';
import { foreignKey, sent, value } from './page.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

const asked = async (page, what) => (await sent(page, 'recordings')).map((c) => c.recordings).filter((ask) => ask.do === what);
const said = (page) => page.locator('#comments .said');
const count = (page, n) => page.waitForFunction((n) => document.querySelectorAll('#comments .said').length === n, n);

describe.each(['en', 'ar'])('%s', (lang) => {
  async function player() {
    const page = await browser.page({ scenario: 'home', lang, width: 1100 });
    await page.click('#nav-history');
    await page.click('#to-recordings');
    await page.click('#recordings button');
    await page.waitForSelector('#comments');
    return page;
  }

  it('a moment is commented on by key: that at which one began to type, however far the player has run', async () => {
    const page = await player();
    await page.fill('#position', '12000');
    await page.evaluate(() => document.activeElement?.blur());
    await page.keyboard.press('c');
    await page.waitForFunction(() => document.activeElement?.id === 'comment');
    await page.keyboard.type('Well');
    await page.evaluate(() => window.hatifFake.emit({ event: 'recordings', recordings: { what: 'player', player: {
      recording: '0'.repeat(31) + '1', playing: true, at_ms: 15_000, length_ms: 254_000, speed: 100, side: 'both', outlet: 'headset',
    } } }));
    await page.keyboard.type(' said');
    await page.keyboard.press('Control+Enter');
    await count(page, 1);
    expect((await asked(page, 'comment'))[0].draft).toEqual({ id: null, at_ms: 12_000, reply_to: null, text: 'Well said' });
    expect(await value(page, '#comment')).toBe('');
    await said(page).locator('.at').click();
    expect((await asked(page, 'seek')).at(-1).to_ms).toBe(12_000);
    expect(await page.locator('.wave .moment').count()).toBe(1);
    // Esc leads back to the player; B marks, on an Arabic keyboard too.
    await page.focus('#comment');
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.activeElement?.id === 'play');
    await page.evaluate(() => document.activeElement.blur());
    await foreignKey(page, 'لا', 'KeyB');
    await count(page, 2);
    await page.waitForFunction(() => /[2٢]|تعليقان/.test(document.querySelector('#recordings li .chip')?.textContent ?? ''));
    expect(page.complaints).toEqual([]);
  });

  it('a comment is answered, changed, deleted with its answers, and comes back', async () => {
    const page = await player();
    await page.fill('#comment', 'Too quick');
    await page.click('#comment-say');
    await count(page, 1);
    await said(page).locator('.can button').first().click();
    await page.waitForFunction(() => document.activeElement?.id === 'comment-other');
    await page.keyboard.type('Agreed');
    await page.click('#comment-keep');
    await count(page, 2);
    await page.waitForFunction(() => document.activeElement?.closest('.said') !== null);
    expect(await page.locator('#comments .answers').innerText()).toContain('Agreed');

    await said(page).first().locator('.can button').nth(1).click();
    expect(await value(page, '#comment-other')).toBe('Too quick');
    await page.keyboard.press('Escape');
    await page.waitForSelector('#comment-other', { state: 'detached' });
    await said(page).first().locator('.can button').nth(1).click();
    await page.fill('#comment-other', 'Too quick by far');
    await page.keyboard.press('Control+Enter');
    await page.waitForFunction(() => document.querySelector('#comments .said')?.textContent.includes('by far'));

    await said(page).first().locator('.can button').nth(2).click();
    await count(page, 0);
    await page.click('.toast button');
    await count(page, 2);
    expect(await asked(page, 'delete_comment')).toEqual([]);
    await said(page).first().locator('.can button').nth(2).click();
    await count(page, 0);
    // The window closes before the time to undo is over.
    await page.evaluate(() => dispatchEvent(new Event('pagehide')));
    expect((await asked(page, 'delete_comment')).map((ask) => ask.id)).toEqual([1]);
    expect(page.complaints).toEqual([]);
  });

  it('what is refused says why, and what was typed elsewhere is no comment', async () => {
    const page = await player();
    await page.evaluate(() => window.hatifFake.emit({ event: 'recordings', recordings: {
      what: 'not_commented', recording: '0'.repeat(31) + '1', text: { code: 'comment.too_many', params: { n: '500' } },
    } }));
    await page.waitForSelector('#comments [role=alert] :text("500"), #comments [role=alert] :text("٥٠٠")');
    await page.fill('#recordings-search', 'b c');
    expect(await asked(page, 'comment')).toEqual([]);
  });
});
