// Every screen in every state: what is screenshotted, and what is tested with axe.
import { headsets, scores } from './page.mjs';

const history = (page) => page.click('#nav-history');
const recordings = async (page) => {
  await history(page);
  await page.click('#to-recordings');
  await page.waitForSelector('#recordings');
};
const settings = async (page, part) => {
  await page.click('#settings');
  if (part) await page.click(`#page-${part}`);
};
const show = (selector) => (page) => page.locator(selector).scrollIntoViewIfNeeded();

/** A file of customers, looked at. */
const TABLE = 'Name,Company,Phone,E-mail,Remark\nAnna Schmidt,Schmidt GmbH,+49 30 1234567,anna@schmidt.example,rings back\nليلى حسن,,+966 11 460 2200,,\nSara again,,+98 21 8820 1140,,\n,,,,nobody\n';
const lookAt = async (page) => {
  await page.click('#nav-customers');
  await page.waitForSelector('#customers-import');
  await page.setInputFiles('#customers-file', { name: 'customers.csv', mimeType: 'text/csv', buffer: Buffer.from(TABLE) });
  await page.waitForSelector('#import-start:not([disabled])');
};

export const SCREENS = [
  { name: 'connectors', scenario: 'connected-home', act: (page) => settings(page, 'connectors') },
  {
    name: 'connector-form',
    scenario: 'connected-home',
    act: async (page) => {
      await settings(page, 'connectors');
      await page.click('#connector-1');
      await page.fill('#connector-number', '+98 21 8820 1140');
      await page.click('#connector-try');
      await page.waitForSelector('#connector-tried details');
    },
  },
  {
    name: 'duplicates',
    scenario: 'home',
    act: async (page) => {
      await page.click('#nav-customers');
      await page.click('#customers-twice');
      await page.waitForSelector('.group');
    },
  },
  { name: 'import-look', scenario: 'home', act: lookAt },
  {
    name: 'import-columns',
    scenario: 'home',
    act: async (page) => {
      await lookAt(page);
      await page.click('.front details summary');
      await show('#import-encoding')(page);
    },
  },
  {
    name: 'import-done',
    scenario: 'home',
    act: async (page) => {
      await lookAt(page);
      await page.click('#import-start');
      await page.waitForSelector('#import-undo');
    },
  },
  {
    name: 'customer-erase',
    scenario: 'home',
    act: async (page) => {
      await page.click('#nav-customers');
      await page.fill('#customer-search', 'Köhler');
      await page.waitForFunction(() => document.querySelectorAll('#customers li').length === 1);
      await page.click('#customers .main');
      await page.click('#customer-erase');
      await page.click('#customer-erase-yes');
      await page.waitForSelector('dialog [role=alert]');
    },
  },
  { name: 'connected-incoming', scenario: 'connected-incoming' },
  { name: 'connected-active', scenario: 'connected-active' },
  { name: 'recordings', scenario: 'home', act: recordings },
  {
    name: 'recordings-player',
    scenario: 'home',
    act: async (page) => {
      await recordings(page);
      await page.click('#recordings button');
      await page.waitForSelector('#player .wave');
    },
  },
  {
    name: 'recordings-comments',
    scenario: 'home',
    act: async (page) => {
      await recordings(page);
      await page.click('#recordings button');
      await page.waitForSelector('#comments');
      const say = async (at, words) => {
        await page.fill('#position', String(at));
        await page.fill('#comment', words);
        await page.click('#comment-say');
        await page.locator('#comments .said', { hasText: words }).waitFor();
      };
      await say(12_000, 'A clear greeting. Ask for the order number right here, before looking anything up.');
      await say(93_000, 'هنا كان الأفضل أن ينتظر العميل');
      await page.locator('#comments .said').last().locator('.can button').first().click();
      await page.fill('#comment-other', 'نعم، سأفعل ذلك');
      await page.keyboard.press('Control+Enter');
      await page.fill('#position', '201000');
      await page.click('#bookmark');
      await page.locator('#comments .mark').waitFor();
      await page.locator('#comments').evaluate((at) => at.scrollIntoView({ block: 'center' }));
    },
  },
  {
    name: 'recordings-kept',
    scenario: 'home',
    act: async (page) => {
      await recordings(page);
      await page.click('#recordings button');
      await page.waitForSelector('#player .wave');
      await page.click('#hold-recording');
      await page.click('#recording-log summary');
      await page.click('#check-recordings');
      await page.waitForSelector('#checked .banner');
      await show('#recording-log')(page);
    },
  },
  {
    name: 'settings-recording',
    scenario: 'home',
    act: async (page) => {
      await settings(page, 'recording');
      await page.locator('input[name=recording][value=on_demand]').check({ force: true });
      await page.waitForSelector('#recording-keep');
    },
  },
  {
    name: 'history-noted',
    scenario: 'work-home',
    act: async (page) => {
      await history(page);
      await page.click('#history-noted');
    },
  },
  {
    name: 'history-notes',
    scenario: 'work-home',
    act: async (page) => {
      await history(page);
      await page.click('#history .noted');
      await page.waitForSelector('#noted');
    },
  },
  { name: 'work-call', scenario: 'work', act: (page) => page.waitForSelector('#call-notes') },
  {
    name: 'work-wrap-up',
    scenario: 'work',
    act: async (page) => {
      await page.waitForSelector('#call-notes');
      await page.keyboard.press('Control+Shift+D');
      await page.waitForSelector('#wrap-up');
      await page.keyboard.press('5');
      await page.click('#wrap-callback-hour');
    },
  },
  { name: 'work-home', scenario: 'work-home', act: (page) => page.waitForSelector('.tasks li') },
  {
    name: 'work-reminded',
    scenario: 'work-home',
    act: async (page) => {
      await page.waitForSelector('.tasks li');
      const task = { id: 2, name: 'Sara Ahmadi', address: '+98 21 8820 1140' };
      await page.evaluate((task) => window.hatifFake.emit({ event: 'work', told: { about: 'remind', task } }), task);
      await page.waitForSelector('.remind-call');
    },
  },
  {
    name: 'work-today',
    scenario: 'work-home',
    act: async (page) => {
      await page.click('#all-tasks');
      await page.waitForSelector('.tasks li');
    },
  },
  {
    name: 'work-task',
    scenario: 'work-home',
    act: async (page) => {
      await page.click('#all-tasks');
      await page.click('#task-add');
      await page.waitForSelector('#task-form');
    },
  },
  { name: 'lost', scenario: 'lost' },
  { name: 'first-run', scenario: 'first-run' },
  { name: 'account-new', scenario: 'first-run', act: (page) => page.click('#add-account') },
  {
    name: 'account-advanced',
    scenario: 'first-run-until-close',
    act: async (page) => {
      await page.click('#add-account');
      await page.click('.form summary');
      await page.click('#account-submit');
    },
  },
  {
    name: 'account-refused',
    scenario: 'first-run',
    act: async (page) => {
      await page.click('#add-account');
      await page.fill('#account-domain', 'pbx.example');
      await page.fill('#account-user', '1001');
      await page.fill('#account-password', 'wrong');
      await page.click('#account-submit');
      await page.waitForSelector('#account-password-error');
    },
  },
  {
    name: 'account-up',
    scenario: 'first-run',
    act: async (page) => {
      await page.click('#add-account');
      await page.fill('#account-domain', 'pbx.example');
      await page.fill('#account-user', '1001');
      await page.fill('#account-password', 'right');
      await page.click('#account-submit');
      await page.waitForSelector('#account-done');
    },
  },
  { name: 'home', scenario: 'home' },
  { name: 'home-dialling', scenario: 'home', act: (page) => page.fill('#dial', '+49 30 1234567') },
  { name: 'home-no-keypad', scenario: 'home', act: (page) => page.click('.dialer [aria-expanded]') },
  { name: 'home-empty', scenario: 'home-empty' },
  { name: 'home-practice-only', scenario: 'home-practice-only' },
  { name: 'home-two-accounts', scenario: 'home-two-accounts' },
  { name: 'home-offline', scenario: 'home-offline' },
  { name: 'home-wrong-password', scenario: 'home-wrong-password' },
  { name: 'home-notices', scenario: 'home-notices' },
  { name: 'home-hostile', scenario: 'home-hostile', act: show('#recent') },
  {
    name: 'home-refused',
    scenario: 'home-offline',
    act: async (page) => {
      await page.fill('#dial', '600');
      await page.press('#dial', 'Enter');
      await page.waitForSelector('#dial-error');
    },
  },
  {
    name: 'home-undo',
    scenario: 'home',
    act: async (page) => {
      await page.locator('#recent .main').first().focus();
      await page.keyboard.press('Delete');
      await page.waitForSelector('.toast');
    },
  },
  { name: 'incoming', scenario: 'incoming' },
  { name: 'incoming-unknown', scenario: 'incoming-unknown' },
  { name: 'incoming-which', scenario: 'incoming-which' },
  { name: 'card-unknown', scenario: 'active-unknown' },
  { name: 'card-new', scenario: 'active-unknown', act: (page) => page.click('#card-new') },
  { name: 'customers', scenario: 'home', act: (page) => page.click('#nav-customers') },
  {
    name: 'customer-form',
    scenario: 'home',
    act: async (page) => {
      await page.click('#nav-customers');
      await page.locator('#customers .main').first().click();
      await page.waitForSelector('#customer-form');
    },
  },
  { name: 'incoming-second', scenario: 'incoming-second', act: async (page) => { if (await page.locator('.strip').isVisible()) await page.click('.strip'); } },
  { name: 'incoming-many', scenario: 'incoming-many' },
  { name: 'incoming-hostile', scenario: 'incoming-hostile' },
  ...['dialing', 'ringing', 'active', 'active-muted', 'active-held', 'active-remote-hold', 'active-silent', 'active-poor', 'active-unheard', 'active-late', 'several', 'ended', 'ended-busy', 'ended-failed'].map(
    (scenario) => ({ name: scenario, scenario }),
  ),
  {
    name: 'active-keypad',
    scenario: 'active',
    act: async (page) => {
      await page.click('#dtmf');
      await page.keyboard.type('123#');
    },
  },
  {
    name: 'desk-transfer',
    scenario: 'desk',
    act: async (page) => {
      await page.keyboard.press('t');
      await page.waitForSelector('#transfer-to-0');
      await page.keyboard.press('ArrowDown');
    },
  },
  {
    name: 'desk-transfer-costly',
    scenario: 'desk',
    act: async (page) => {
      await page.keyboard.press('t');
      await page.fill('#transfer-to', '0900123');
      await page.click('#transfer-now');
      await page.waitForSelector('#transfer-confirm');
    },
  },
  ...['desk', 'consult', 'consult-ringing', 'transfer-ringing', 'transfer-failed', 'conference', 'ask-transfer', 'ask-redirect', 'call-details'].map(
    (scenario) => ({ name: scenario, scenario }),
  ),
  { name: 'desk-idle', scenario: 'desk-idle' },
  { name: 'agent', scenario: 'desk-idle', act: (page) => page.click('#agent') },
  { name: 'colleagues', scenario: 'desk-idle', act: (page) => page.click('#nav-colleagues') },
  { name: 'colleagues-empty', scenario: 'home', act: (page) => page.click('#nav-colleagues') },
  {
    name: 'messages',
    scenario: 'desk-idle',
    act: async (page) => {
      await page.click('#nav-colleagues');
      await page.locator('#colleagues li').first().locator('.acts button').first().click();
      await page.waitForSelector('#message');
    },
  },
  ...[['options', '#options-forwarding'], ['options-numbers', '#option-try'], ['options-codes', '#options-codes']].map(([name, at]) => ({
    name,
    scenario: 'desk-idle',
    act: async (page) => {
      await settings(page, 'accounts');
      await page.locator('.button.options').first().click();
      await page.click('#forward-add');
      await page.fill('#option-blocked', 'x');
      await show(at)(page);
    },
  })),
  {
    name: 'options-relay',
    scenario: 'desk-idle',
    act: async (page) => {
      await settings(page, 'accounts');
      await page.locator('.button.options').first().click();
      await page.fill('#option-turn', 'turn.example.com');
      await page.fill('#option-turn_user', 'agent');
      await page.fill('#option-turn_password', 'relay me');
      await show('#option-stun')(page);
    },
  },
  {
    name: 'active-quality',
    scenario: 'active',
    act: async (page) => {
      await scores(page, Array.from({ length: 70 }, (_, second) => 4.3 - (second > 30 && second < 42 ? 1.6 * Math.sin(((second - 30) / 12) * Math.PI) : 0)));
      await page.click('.quality summary');
      await page.waitForSelector('.quality svg[role=img]');
    },
  },
  {
    name: 'active-home',
    scenario: 'active',
    act: async (page) => {
      const back = page.locator('.to-home:visible');
      if ((await back.count()) > 0) await back.click();
    },
  },
  { name: 'history', scenario: 'home-two-accounts', act: history },
  { name: 'history-empty', scenario: 'home-empty', act: history },
  { name: 'history-hostile', scenario: 'home-hostile', act: history },
  { name: 'history-long', scenario: 'history-long', act: history },
  {
    name: 'history-nothing',
    scenario: 'home',
    act: async (page) => {
      await history(page);
      await page.fill('#history-search', 'zzz');
      await page.waitForSelector('.empty');
    },
  },
  { name: 'history-active', scenario: 'active', act: (page) => page.keyboard.press('Control+2') },
  { name: 'shortcuts', scenario: 'home', act: (page) => page.keyboard.press('F1') },
  { name: 'settings', scenario: 'home-two-accounts', act: (page) => settings(page) },
  { name: 'settings-desktop', scenario: 'home-two-accounts', act: (page) => settings(page, 'desktop') },
  { name: 'settings-accounts', scenario: 'home-two-accounts', act: (page) => settings(page, 'accounts') },
  {
    name: 'settings-search',
    scenario: 'home',
    act: async (page) => {
      await settings(page);
      await page.fill('#settings-search', (await page.textContent('#page-sound .label')) ?? '');
      await page.waitForSelector('.found');
    },
  },
  {
    name: 'settings-nothing',
    scenario: 'home',
    act: async (page) => {
      await settings(page);
      await page.fill('#settings-search', 'zzz');
      await page.waitForSelector('.nothing');
    },
  },
  {
    name: 'settings-sound',
    scenario: 'home',
    act: async (page) => {
      await settings(page, 'sound');
      await page.waitForFunction(() => Number(document.querySelector('[role=meter]')?.ariaValueNow) > 0);
    },
  },
  ...['sound-speaker', 'sound-voice'].map((at) => ({
    name: `settings-${at}`,
    scenario: 'sound-chosen',
    act: async (page) => {
      await settings(page, 'sound');
      await page.evaluate((id) => document.getElementById(id).scrollIntoView(), at);
    },
  })),
  ...['recording', 'playing', 'done'].map((state) => ({
    name: `headset-${state}`,
    scenario: 'first-run',
    act: async (page) => {
      await page.click('#test-headset');
      const verdict = { text: { code: 'test.noisy', params: {} }, speech_db: -24, noise_db: -38, peak: 0.4 };
      await page.evaluate((test) => window.hatifFake.emit({ event: 'headset_test', test }), state === 'recording' ? { state, seconds: 5 } : { state, verdict });
      await page.waitForSelector(state === 'done' ? 'dialog details' : '.now');
    },
  })),
  { name: 'settings-appearance', scenario: 'home', act: (page) => settings(page, 'appearance') },
  {
    name: 'settings-managed',
    scenario: 'settings-managed',
    act: async (page) => {
      await settings(page, 'appearance');
      await show('#calendar')(page);
    },
  },
  {
    name: 'headset-buttons',
    scenario: 'home',
    act: async (page) => {
      await settings(page, 'sound');
      await headsets(page);
      await show('#headset-heard')(page);
    },
  },
  { name: 'settings-no-devices', scenario: 'no-devices', act: (page) => settings(page, 'sound') },
  { name: 'diagnostics', scenario: 'home-offline', act: async (page) => (await settings(page, 'diagnostics'), page.waitForSelector('.lines li')) },
  ...['home', 'home-offline'].map((scenario) => ({
    name: `diagnostics-check-${scenario}`,
    scenario,
    act: async (page) => {
      await settings(page, 'diagnostics');
      await page.click('#check-start');
      await page.waitForSelector('#check-steps');
      await page.waitForSelector('#check-steps li.waiting', { state: 'detached' });
    },
  })),
  {
    name: 'diagnostics-call',
    scenario: 'active-poor',
    act: async (page) => {
      await page.keyboard.press('Control+5');
      await page.click('#page-diagnostics');
      await page.waitForSelector('.lines li');
      await show('#diagnostics-log')(page);
    },
  },
  ...['shortcuts', 'carry', 'about'].map((part) => ({ name: `settings-${part}`, scenario: 'home', act: (page) => settings(page, part) })),
  {
    name: 'settings-remove',
    scenario: 'home',
    act: async (page) => {
      await settings(page, 'accounts');
      await page.locator('.account button').last().click();
      await page.waitForSelector('dialog[open]');
    },
  },
];
