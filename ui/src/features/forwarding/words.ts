// A forwarding rule in words.
import type { ForwardRule, ForwardWhen } from '../../backend';
import { t, when as timeAndDay } from '../../i18n/i18n.svelte';

/** Minutes of the day as a clock: 08:30. */
export function minutes(of: number): string {
  return `${String(Math.floor(of / 60)).padStart(2, '0')}:${String(of % 60).padStart(2, '0')}`;
}

export function conditionWords(when: ForwardWhen): string {
  switch (when.when) {
    case 'no_answer':
      return t('forward.when.no_answer', { n: when.after_s });
    case 'hours':
      return t('forward.when.hours', { from: minutes(when.from), to: minutes(when.to) });
    default:
      return t(`forward.when.${when.when}`);
  }
}

/** `account`: named where there are several. A number stays on one line. */
export function forwardWords(rule: ForwardRule, active: boolean, account?: string): string {
  const words = t(active ? 'forward.active' : 'forward.waiting', { when: conditionWords(rule.when), to: rule.to.replaceAll(' ', '\u00a0') });
  const until = rule.until == null ? undefined : t('forward.until', { time: timeAndDay(rule.until * 1000, Date.now()) });
  return [account, words, until].filter(Boolean).join(' · ');
}
