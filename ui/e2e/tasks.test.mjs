// Tasks and callbacks: agreed after a call, reminded of, dialled, put off, done, each in English and in Arabic.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from './browser.mjs';
import { sent } from './page.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

const kept = async (page) => (await sent(page, 'work')).map((c) => c.ask).filter((ask) => ask.do === 'keep_task').map((ask) => ask.task);

describe.each(['en', 'ar'])('%s', (lang) => {
  const start = (scenario, more) => browser.page({ scenario, lang, ...more });

  it('a callback is agreed in the wrap-up', async () => {
    const page = await start('work');
    await page.waitForSelector('#call-notes');
    await page.keyboard.press('Control+Shift+D');
    await page.waitForSelector('#wrap-up');
    await page.fill('#wrap-next', 'Say the price');
    await page.click('#wrap-callback-tomorrow');
    await page.keyboard.press('Control+Enter');
    await page.waitForSelector('#wrap-up', { state: 'detached' });
    const [task] = await kept(page);
    expect(task).toMatchObject({ customer: 1, ticket: 41, name: 'Sara Ahmadi', address: '+98 21 8820 1140', text: 'Say the price' });
    // Nine where the browser is, in Dubai.
    expect(new Date(task.due_ms).getUTCHours()).toBe(5);
    expect(page.complaints).toEqual([]);
  });

  it('the list of the day: late ones first, dialled, put off, done and undone', async () => {
    const page = await start('work-home');
    await page.click('#all-tasks');
    await page.waitForSelector('.tasks li');
    expect(await page.locator('#tasks-late').count()).toBe(1);
    const first = page.locator('.tasks li').first();
    expect(await first.textContent()).toContain('امید کریمی');
    await first.locator('.snooze').click();
    await page.waitForFunction(() => document.querySelector('#tasks-late') === null);
    expect((await kept(page)).at(-1)).toMatchObject({ id: 1, remind_min: 0 });
    await page.locator('.tasks li .finish').first().click();
    await page.waitForFunction(() => document.querySelectorAll('.tasks li').length === 2);
    await page.click('.toast button');
    await page.waitForFunction(() => document.querySelectorAll('.tasks li').length === 3);
    await page.locator('.tasks li .main').first().click();
    expect((await sent(page, 'call'))[0].to).toBeTruthy();
    expect(page.complaints).toEqual([]);
  });

  it('what it is time for is said in the window, and called by one key', async () => {
    const page = await start('work-home');
    await page.waitForSelector('.tasks li');
    const task = { id: 2, customer: null, ticket: null, name: 'Sara Ahmadi', address: '+98 21 8820 1140', text: 'What the supplier said', due_ms: Date.now(), remind_min: 5, done: false };
    await page.evaluate((task) => window.hatifFake.emit({ event: 'work', told: { about: 'remind', task } }), task);
    await page.waitForSelector('.remind-call');
    await page.evaluate(() => document.activeElement?.blur());
    await page.keyboard.press('d');
    await page.waitForFunction(() => window.hatifFake.sent.some((c) => c.command === 'call'));
    expect((await sent(page, 'call'))[0].to.replaceAll(/\D/g, '')).toBe('982188201140');
    await page.waitForSelector('.remind-call', { state: 'detached' });
    // Done once they have been spoken to, and not before; undone if there is more to it.
    await page.waitForSelector('#timer');
    const done = async () => (await kept(page)).filter((task) => task.id === 2).map((task) => task.done);
    expect(await done()).toEqual([]);
    await page.keyboard.press('Control+Shift+D');
    await page.waitForSelector('.toast .undo');
    expect(await done()).toEqual([true]);
    await page.click('.toast .undo');
    expect(await done()).toEqual([true, false]);
  });

  it('a callback that nobody answered is still to be done', async () => {
    const page = await start('work-home');
    await page.waitForSelector('.tasks li');
    await page.evaluate(() => {
      const task = { id: 2, customer: null, ticket: null, name: 'Sara Ahmadi', address: 'busy@pbx.example', text: '', due_ms: Date.now(), remind_min: 5, done: false };
      window.hatifFake.emit({ event: 'work', told: { about: 'tasks_changed', tasks: [task] } });
      window.hatifFake.emit({ event: 'work', told: { about: 'remind', task } });
    });
    await page.click('.remind-call');
    await page.waitForFunction(() => window.hatifFake.sent.some((c) => c.command === 'call'));
    await page.waitForFunction(() => document.querySelector('#call-heading') === null && document.querySelector('.tasks li') !== null);
    expect((await kept(page)).some((task) => task.done)).toBe(false);
  });

  it('a task is added by keyboard', async () => {
    const page = await start('work-home');
    await page.click('#all-tasks');
    await page.click('#task-add');
    await page.waitForFunction(() => document.activeElement?.id === 'task-text');
    await page.keyboard.type('Send the invoice');
    await page.keyboard.press('Control+Enter');
    await page.waitForSelector('#task-form', { state: 'detached' });
    expect((await kept(page))[0]).toMatchObject({ text: 'Send the invoice', address: '', remind_min: 5 });
    await page.waitForFunction(() => document.querySelector('.page')?.textContent?.includes('Send the invoice'));
    expect(page.complaints).toEqual([]);
  });
});
