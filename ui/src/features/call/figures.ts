// The figures behind a call's quality, and what can be done about it, in words.
import type { QualityView } from '../../backend';
import { figure, milliseconds, percent, t } from '../../i18n/i18n.svelte';

/** Names, not words: they are the same in every language. */
const CODECS = { opus: 'Opus', g722: 'G.722', pcma: 'G.711 A', pcmu: 'G.711 µ' } as const;

/** What is known of it, each with its name. */
export function figures(quality: QualityView): [string, string][] {
  const expected = (quality.received ?? 0) + (quality.lost ?? 0);
  const given = <T>(value: T | null | undefined, words: (value: T) => string) => (value == null ? undefined : words(value));
  const gaps = (quality.microphone_gaps ?? 0) + (quality.speaker_gaps ?? 0);
  const all: [string, string | undefined][] = [
    [t('quality.mos', { low: 1, high: 5 }), given(quality.mos, (mos) => figure(mos, 1))],
    [t('quality.round_trip'), given(quality.round_trip_ms, milliseconds)],
    [t('quality.jitter'), given(quality.jitter_ms, milliseconds)],
    [t('quality.buffer'), given(quality.buffer_ms, milliseconds)],
    [t('quality.lost'), expected === 0 ? undefined : percent((quality.lost ?? 0) / expected)],
    [t('quality.concealed'), given(quality.concealed, percent)],
    [t('quality.remote_loss'), given(quality.remote_loss, percent)],
    [t('quality.gaps'), gaps === 0 ? undefined : figure(gaps)],
    [t('quality.codec'), given(quality.codec, (codec) => CODECS[codec])],
  ];
  return all.filter((one): one is [string, string] => one[1] !== undefined);
}

/** Shares of what is said that are worth a word, and a round trip that is. */
const NOTED = 0.02;
const LONG_MS = 400;

/** What is wrong and what to do; nothing while the call is clear. */
export function advice(quality: QualityView): string | undefined {
  const { level, concealed, remote_loss, round_trip_ms } = quality;
  if (level === 'good') return undefined;
  if (level === 'silent') return t('quality.silent.help');
  const heard = concealed ?? 0;
  const said = remote_loss ?? 0;
  if (said > NOTED && said > heard) return t('quality.advice.said', { share: percent(said) });
  if (heard > NOTED) return t('quality.advice.heard', { share: percent(heard) });
  if ((round_trip_ms ?? 0) > LONG_MS) return t('quality.advice.delay');
  return level === 'poor' ? t('quality.poor.help') : undefined;
}
