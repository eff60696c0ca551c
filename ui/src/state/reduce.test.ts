import { describe, expect, it } from 'vitest';
import type { Event, Snapshot } from '../backend';
import { call, scenarios } from '../backend/scenarios';
import { HISTORY_SHOWN, reduce } from './reduce';

const start = scenarios['home']!;
const all = (...events: Event[]): Snapshot => events.reduce(reduce, start);
const ringing = call(7, { state: 'incoming' });
const active = call(7, { state: 'active', since_ms: 1, hold: 'none', muted: false });

describe('reduce', () => {
  it('puts a new call at the end and a changed one in its place', () => {
    const other = call(8, { state: 'incoming' });
    const after = all({ event: 'call_changed', call: ringing }, { event: 'call_changed', call: other }, { event: 'call_changed', call: active });
    expect(after.calls).toEqual([active, other]);
  });

  it('changes nothing when an event is told twice', () => {
    const events: Event[] = [
      { event: 'call_changed', call: ringing },
      { event: 'call_gone', call: 7 },
      { event: 'account_gone', account: 2 },
      { event: 'notice_raised', notice: { id: 1, level: 'info', text: { code: 'x', params: {} } } },
      { event: 'notice_gone', notice: 1 },
      { event: 'history_changed', history: [] },
    ];
    for (const event of events) expect(reduce(reduce(start, event), event)).toEqual(reduce(start, event));
  });

  it('gives the quality to its call only', () => {
    const quality = scenarios['active']!.calls[0]!.quality!;
    const after = all({ event: 'call_changed', call: active }, { event: 'call_changed', call: { ...ringing, id: 8 } }, { event: 'quality', call: 7, quality });
    expect(after.calls.map((c) => c.quality)).toEqual([quality, null]);
  });

  it('does not revive a call by the quality that was measured of it', () => {
    const quality = scenarios['active']!.calls[0]!.quality!;
    expect(all({ event: 'call_gone', call: 7 }, { event: 'quality', call: 7, quality }).calls).toEqual([]);
  });

  it('keeps a bounded call log', () => {
    const history = Array.from({ length: HISTORY_SHOWN + 10 }, (_, i) => ({ ...start.history[0]!, id: String(i) }));
    expect(all({ event: 'history_changed', history }).history).toHaveLength(HISTORY_SHOWN);
  });

  it('leaves what it does not know', () => {
    expect(reduce(start, { event: 'something_new' } as unknown as Event)).toBe(start);
  });

  it('never changes the snapshot that it was given', () => {
    const before = structuredClone(start);
    all({ event: 'call_changed', call: ringing }, { event: 'account_gone', account: 2 }, { event: 'history_changed', history: [] });
    expect(start).toEqual(before);
  });
});
