// What can come of a call, and how it is told. The list is in the order of its keys, 1 to 9; each suggests how the matter
// stands, until the agent says so.
import type { TicketStatus } from '../../backend';
import { t } from '../../i18n/i18n.svelte';

export const DISPOSITIONS = [
  { code: 'solved', status: 'resolved' },
  { code: 'information', status: 'closed' },
  { code: 'order', status: 'closed' },
  { code: 'complaint', status: 'open' },
  { code: 'callback', status: 'follow_up' },
  { code: 'passed_on', status: 'open' },
  { code: 'dropped', status: 'follow_up' },
  { code: 'wrong_number', status: 'closed' },
  { code: 'else', status: 'open' },
] as const satisfies readonly { code: string; status: TicketStatus }[];

export const STATUSES: readonly TicketStatus[] = ['open', 'follow_up', 'resolved', 'closed'];

/** The words of a code of the list; one's own words as they are. */
export function dispositionName(code: string): string {
  const known = DISPOSITIONS.find((disposition) => disposition.code === code);
  return known ? t(`wrap.disposition.${known.code}`) : code;
}

export function statusName(status: TicketStatus): string {
  return t(`ticket.status.${status}`);
}

export const listed = (text: string): string[] => text.split(/[,،\n]/).map((tag) => tag.trim()).filter((tag) => tag !== '');
