// How an event changes what the window shows. Pure: a snapshot and an event in, a snapshot out. Events carry whole
// values, so telling one twice, or one that the snapshot already holds, changes nothing.
import type { Event, Snapshot } from '../backend';
import { reduceConnectors, withoutCall } from './reduce-connectors';
import { reduceCustomerFiles } from './reduce-customer-files';
import { reduceCustomers } from './reduce-customers';
import { reduceWork } from './reduce-work';

/** At most so many entries are kept in the window, however many are told. */
export const HISTORY_SHOWN = 200;

export function reduce(snapshot: Snapshot, event: Event): Snapshot {
  switch (event.event) {
    case 'snapshot':
      return event.snapshot;
    case 'account_changed':
      return { ...snapshot, accounts: put(snapshot.accounts, event.account) };
    case 'account_gone':
      return { ...snapshot, accounts: snapshot.accounts.filter((a) => a.id !== event.account) };
    case 'call_changed':
      return { ...snapshot, calls: put(snapshot.calls, event.call) };
    case 'call_gone':
      return { ...snapshot, calls: snapshot.calls.filter((c) => c.id !== event.call), connectors: withoutCall(snapshot.connectors, event.call) };
    case 'quality':
      return {
        ...snapshot,
        calls: snapshot.calls.map((c) => (c.id === event.call ? { ...c, quality: event.quality } : c)),
      };
    case 'history_entry_changed': {
      const known = snapshot.history.some((e) => e.id === event.entry.id);
      const history = known ? put(snapshot.history, event.entry) : [event.entry, ...snapshot.history];
      return { ...snapshot, history: history.slice(0, HISTORY_SHOWN) };
    }
    case 'history_changed':
      return { ...snapshot, history: event.history.slice(0, HISTORY_SHOWN) };
    case 'devices_changed':
      return { ...snapshot, devices: event.devices };
    case 'settings_changed':
      return { ...snapshot, settings: event.settings, provenance: event.provenance };
    case 'window_changed':
      return { ...snapshot, window: event.window };
    case 'desktop':
      return event.happened.desktop === 'changed' ? { ...snapshot, desktop: event.happened.view } : snapshot;
    case 'notice_raised':
      return { ...snapshot, notices: put(snapshot.notices, event.notice) };
    case 'agent_changed':
      return { ...snapshot, agent: event.agent };
    case 'colleagues_changed':
      return { ...snapshot, colleagues: event.colleagues };
    case 'mailboxes_changed':
      return { ...snapshot, mailboxes: event.mailboxes };
    case 'messages_changed':
      return { ...snapshot, messages: event.messages };
    case 'forwarding_changed':
      return { ...snapshot, forwarding: event.forwarding };
    case 'customers':
      return { ...snapshot, customers: reduceCustomers(snapshot.customers, event.told) };
    case 'customer_files':
      return { ...snapshot, customer_files: reduceCustomerFiles(snapshot.customer_files, event.told) };
    case 'work':
      return { ...snapshot, work: reduceWork(snapshot.work, event.told) };
    case 'connectors':
      return { ...snapshot, connectors: reduceConnectors(snapshot.connectors, event.told) };
    case 'headsets':
      return event.told.told === 'changed' ? { ...snapshot, headsets: event.told.headsets } : snapshot;
    case 'credentials_changed':
      return { ...snapshot, credentials: event.credentials };
    case 'notice_gone':
      return { ...snapshot, notices: snapshot.notices.filter((n) => n.id !== event.notice) };
    // Not part of the snapshot: shown where they happen (level meter, call, toast).
    case 'duplicates':
    case 'history_page':
    case 'settings_exported':
    case 'settings_imported':
    case 'digit_received':
    case 'number_preview':
    case 'level':
    case 'headset_test':
    case 'diagnostics':
    case 'check':
    case 'command_failed':
    case 'stopped':
      return snapshot;
    default:
      // An event of a newer application than this page knows.
      return snapshot;
  }
}

/** Replaces the entry of the same id in its place, or adds it at the end. */
function put<T extends { id: number | string }>(list: T[], item: T): T[] {
  const at = list.findIndex((other) => other.id === item.id);
  return at < 0 ? [...list, item] : list.with(at, item);
}
