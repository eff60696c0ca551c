import { expect, it, vi } from 'vitest';
import type { QualityView } from '../../backend';
import { useLanguage } from '../../i18n/i18n.svelte';
import { advice, figures } from './figures';

// The language asks the browser what is usual where its user is, and tells it which one is in use.
vi.stubGlobal('navigator', { languages: ['en'] });
vi.stubGlobal('localStorage', { setItem() {} });
vi.stubGlobal('document', { documentElement: {} });
await useLanguage('en', {});

const clear: QualityView = {
  level: 'good', mos: 4.34, codec: 'opus', sent: 100, received: 98, lost: 2, jitter_ms: 3, concealed: 0, buffer_ms: 40,
  round_trip_ms: 30, remote_loss: 0, microphone_gaps: 0, speaker_gaps: 0,
};

it('what is not known is not shown, what is clear needs no advice', () => {
  const words = figures({ ...clear, mos: null, round_trip_ms: null, remote_loss: null, received: 0, lost: 0 });
  expect(words.map(([, value]) => value)).toEqual(['3 ms', '40 ms', '0%', 'Opus']);
  expect(figures(clear)[0]![1]).toBe('4.3');
  expect(figures({ ...clear, speaker_gaps: 2, microphone_gaps: 1 }).map(([, value]) => value)).toContain('3');
  expect(advice(clear)).toBeUndefined();
});

it.each([
  [{ level: 'silent', concealed: 1 }, 'hang up and call again'],
  [{ level: 'poor', concealed: 0.21 }, 'You miss \u206821%\u2069'],
  [{ level: 'poor', concealed: 0.03, remote_loss: 0.12 }, '\u206812%\u2069 of what you say'],
  [{ level: 'fair', round_trip_ms: 620 }, 'pause before you speak'],
  [{ level: 'poor', mos: 2 }, 'Words may break up'],
] as const)('%o', (bad, words) => expect(advice({ ...clear, ...bad })).toContain(words));
