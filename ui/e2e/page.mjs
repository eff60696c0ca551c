// What tests do with a page: look at what it sent, tell it what the application would, press keys of another layout.

/** Commands that the page has sent; only those of the names, if any are given, else all but its own questions (whose numbers it shows, what was noted of them, what waits). */
export const sent = (page, ...names) =>
  page.evaluate((names) => {
    const own = (c) => ['names', 'of', 'tickets'].includes(c.ask?.do) || c.ask?.desktop === 'waiting';
    return window.hatifFake.sent.filter((c) => (names.length === 0 ? !own(c) : names.includes(c.command)));
  }, names);

export const emit = (page, event) => page.evaluate((event) => window.hatifFake.emit(event), event);

export const value = (page, selector) => page.locator(selector).inputValue();

export const focused = (page) => page.evaluate(() => document.activeElement?.id ?? '');

/** A key of another layout than the one that the browser was started with. */
export const foreignKey = (page, key, code) =>
  page.evaluate(
    (init) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { ...init, bubbles: true, cancelable: true })),
    { key, code },
  );

/** A whole call, as the application tells of it. */
export const callView = (id, state, more = {}) => ({
  id, account: 2, account_label: 'Office', direction: 'incoming', peer: { name: null, address: '7' }, queue: null, ivr: null, customer: null,
  dialled: null, verified: 'unknown', practice: false, emergency: false, consult_for: null, replaces: null, conference: false, silenced: false,
  transfer: null, ask: null, digits: '', started_ms: Date.now(), actions: [], quality: null, ...more, state,
});

/** The scores of the first call of the scenario, a second each. */
export const scores = (page, list) =>
  page.evaluate((list) => {
    const usual = { level: 'good', sent: 0, received: 0, lost: 0, jitter_ms: 3, concealed: 0, buffer_ms: 40, round_trip_ms: 24, remote_loss: 0, microphone_gaps: 0, speaker_gaps: 0 };
    for (const mos of list) window.hatifFake.emit({ event: 'quality', call: 1, quality: { ...usual, mos } });
  }, list);

/** A headset with its buttons and lamps, muted in a call, and what it has sent. */
export const HEADSET = {
  id: 1, name: 'Jabra BIZ 2400 II', floods: false,
  buttons: ['hook', 'flash', 'redial', 'mute', 'programmable'].map((kind) => ({ kind, number: null })).concat({ kind: 'key', number: 11 }, { kind: 'other', number: 90 }),
  lamps: [['off_hook', true], ['ring', false], ['mute', true], ['hold', false]].map(([kind, on]) => ({ kind, on })),
};

export const heard = (page, kind, down, deed = null, headset = 1) =>
  emit(page, { event: 'headsets', told: { told: 'heard', headset, button: { kind, number: null }, down, deed } });

export async function headsets(page, all = [HEADSET], denied = []) {
  await emit(page, { event: 'headsets', told: { told: 'changed', headsets: { headsets: all, denied } } });
  await heard(page, 'hook', true, 'answer');
  await heard(page, 'mute', true, 'mute');
  await heard(page, 'mute', false);
}
