// An account's options: lists as text read while they are typed, rules tried, forwarding, and what is told before dialling.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from './browser.mjs';
import { sent } from './page.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

describe.each(['en', 'ar'])('%s', (lang) => {
  const start = (scenario, more) => browser.page({ scenario, lang, ...more });
  const options = async (scenario = 'desk-idle') => {
    const page = await start(scenario);
    await page.click('#settings');
    await page.click('#page-accounts');
    await page.locator('.button.options').first().click();
    await page.waitForSelector('#options-save');
    return page;
  };

  it('colleagues are taken from a CSV file; a line that makes no sense is named, and nothing is saved', async () => {
    const page = await options();
    const csv = (text) => ({ name: 'team.csv', mimeType: 'text/csv', buffer: Buffer.from(text) });
    await page.locator('#option-colleagues-file').setInputFiles(csv('name,number\n"Haddad, Layla",1001,presence\nKarim'));
    await page.waitForSelector('#option-colleagues-error');
    await page.click('#options-save');
    expect(await sent(page, 'set_account_options')).toEqual([]);
    await page.locator('#option-colleagues-file').setInputFiles(csv('name,number\n"Haddad, Layla",1001,presence\nKarim;1007;none'));
    await page.waitForSelector('#option-colleagues-error', { state: 'detached' });
    await page.click('#options-save');
    await page.waitForSelector('.answer .good');
    const [saved] = await sent(page, 'set_account_options');
    expect(saved.account).toBe(2);
    expect(saved.options.colleagues).toEqual([
      { name: 'Haddad, Layla', number: '1001', lamp: 'presence', intercom: false },
      { name: 'Karim', number: '1007', lamp: 'none', intercom: false },
    ]);
    // What was not touched stays as it was.
    expect(saved.options).toMatchObject({ mailbox: '*97', help_to: '1900', rewriting: [{ starts_with: '0', becomes: '+98', length: 11 }] });
    expect(page.complaints).toEqual([]);
  });

  it('forwarding: no answer to the mobile, seen at once where calls are taken', async () => {
    const page = await options();
    await page.click('#forward-add');
    await page.selectOption('#forward-when-0', 'unreachable');
    expect(await page.locator('#forward-by-0 option').count()).toBe(1);
    await page.selectOption('#forward-when-0', 'no_answer');
    await page.fill('#forward-after-0', '30');
    expect(await page.locator('#forward-to-0-error').count()).toBe(1);
    await page.fill('#forward-to-0', '٠٩١٢٠٠٠٤٣٢١');
    await page.click('#options-save');
    await page.waitForSelector('.answer .good');
    const [saved] = await sent(page, 'set_account_options');
    expect(saved.options.forwarding).toEqual([{ on: true, when: { when: 'no_answer', after_s: 30 }, to: '09120004321', by: 'redirect', until: null }]);
    await page.click('#nav-home');
    await page.waitForSelector('#forwarded li');
    expect(await page.textContent('#forwarded')).toContain('09120004321');
  });

  it('a pattern that the core refuses is told beside its field', async () => {
    const page = await options();
    await page.fill('#option-name_pattern', '^(');
    await page.click('#options-save');
    await page.waitForSelector('#option-name_pattern-error');
    expect(await page.textContent('#option-name_pattern-error')).not.toContain('name_pattern');
    expect(await page.locator('.answer .good').count()).toBe(0);
  });

  it('a TURN server takes a name and a password, and the password is typed anew or left alone', async () => {
    const page = await options();
    expect(await page.locator('#option-turn_password').count()).toBe(0);
    await page.fill('#option-turn', 'turn.example.com');
    await page.fill('#option-turn_user', 'agent');
    expect(await page.getAttribute('#option-turn_password', 'type')).toBe('password');
    await page.fill('#option-turn_password', 'relay me');
    await page.click('#options-save');
    await page.waitForSelector('.answer .good');
    await page.fill('#option-mailbox', '*98');
    await page.fill('#option-turn_password', '');
    await page.click('#options-save');
    await page.waitForSelector('.answer .good');
    const [first, second] = await sent(page, 'set_account_options');
    expect([first.options.turn, first.options.turn_user, first.turn_password]).toEqual(['turn.example.com', 'agent', 'relay me']);
    expect([second.options.turn, second.turn_password]).toEqual(['turn.example.com', null]);
    expect(JSON.stringify(first.options)).not.toContain('relay me');
  });

  it('a number is tried by the rules; the dial field tells what goes out, what is costly, and what is not allowed', async () => {
    const page = await options();
    await page.fill('#option-try', '09120004321');
    await page.waitForFunction(() => document.querySelector('.preview')?.textContent.includes('+989120004321'));
    await page.click('#nav-home');
    await page.fill('#dial', '09120004321');
    await page.waitForFunction(() => document.querySelector('.preview')?.textContent.includes('+989120004321'));
    await page.fill('#dial', '0088112');
    await page.waitForSelector('.preview .bad');
    await page.fill('#dial', '0900123');
    await page.waitForSelector('.preview .warn');
    await page.press('#dial', 'Enter');
    await page.click('#dial-confirm');
    await page.waitForSelector('#hang-up');
    expect((await sent(page, 'call')).map((c) => c.confirmed ?? false)).toEqual([false, true]);
  });

  it('digits are pasted into a call with their pauses, and received ones are shown', async () => {
    const page = await start('call-details');
    expect(await page.textContent('.stage')).toContain('4711#');
    await page.click('#dtmf');
    await page.evaluate(() => {
      const clipboardData = new DataTransfer();
      clipboardData.setData('text/plain', '٤٧١١p 12-3#');
      document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    });
    expect(await sent(page, 'dtmf')).toEqual([{ command: 'dtmf', call: 1, digits: '4711,123#' }]);
  });
});
