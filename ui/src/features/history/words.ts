// How an entry of the call log is told: its picture and its outcome.
import type { HistoryEntry } from '../../backend';
import type { IconName } from '../../components/Icon.svelte';
import { t } from '../../i18n/i18n.svelte';

export function iconOf(entry: HistoryEntry): IconName {
  if (entry.outcome === 'missed') return 'phone-missed';
  return entry.direction === 'incoming' ? 'phone-incoming' : 'phone-outgoing';
}

export function outcomeOf(entry: HistoryEntry): string {
  return entry.outcome === 'answered' ? t(`outcome.answered.${entry.direction}`) : t(`outcome.${entry.outcome}`);
}
