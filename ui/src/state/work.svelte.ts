// The agent's work as the window knows it: what is to be wrapped up, what was noted of earlier calls, tickets, tasks.
import type { FormerNotes, HistoryFilter, Ticket, WorkEvent, WrapUp, WrapUpView } from '../backend';
import { t } from '../i18n/i18n.svelte';
import { Draft } from './draft.svelte';
import { phone } from './phone.svelte';
import { toasts } from './toasts.svelte';

/** Calls that are asked about at once. */
const AT_ONCE = 200;

class Work {
  /** Wrap-ups that wait until the agent comes back to them. */
  #aside = $state.raw<ReadonlySet<string>>(new Set());
  /** By entry: what was noted, or nothing. */
  #noted = $state.raw<ReadonlyMap<string, WrapUp | null>>(new Map());
  #tickets = $state.raw<ReadonlyMap<number, readonly Ticket[]>>(new Map());
  /** By entry: what notes were before they were changed. */
  #former = $state.raw<ReadonlyMap<string, readonly FormerNotes[]>>(new Map());
  #drafts = new Map<string, Draft>();
  #wanted = new Set<string>();
  #asked = new Set<string>();
  #askedTickets = new Set<number>();
  /** Where somebody typed when a call ended: the wrap-up goes on there. */
  caret: { entry: string; at: number } | undefined;

  readonly wrapUps = $derived(phone.work?.wrap_ups ?? []);
  readonly waiting = $derived(this.wrapUps.filter((view) => view.ended));
  readonly tasks = $derived(phone.work?.tasks ?? []);
  /** The one to be done now: of the last call, unless it was put aside. */
  readonly front = $derived(this.waiting.filter((view) => !this.#aside.has(view.wrap_up.entry) && this.#fresh.has(view.wrap_up.entry)).at(-1));
  /** Begun while this page is there, or taken up again: what an earlier run left waits in its list. */
  #fresh = $state.raw<ReadonlySet<string>>(new Set());

  ofCall(call: number): WrapUpView | undefined {
    return this.wrapUps.find((view) => view.call === call);
  }

  draft(kept: WrapUp): Draft {
    let draft = this.#drafts.get(kept.entry);
    if (draft === undefined) {
      draft = new Draft(kept, t('common.comma'));
      this.#drafts.set(kept.entry, draft);
    }
    return draft;
  }

  /** What notes of a call were; asked for anew. */
  learnFormer(entry: string): void {
    phone.send({ command: 'work', ask: { do: 'former', entry } });
  }

  formerOf(entry: string): readonly FormerNotes[] {
    return this.#former.get(entry) ?? [];
  }

  export(query: string, filter: HistoryFilter): void {
    phone.send({ command: 'work', ask: { do: 'export', query, filter } });
  }

  putAside(entry: string): void {
    this.#aside = new Set([...this.#aside, entry]);
  }

  takeUp(entry: string): void {
    this.#aside = new Set([...this.#aside].filter((other) => other !== entry));
    this.#fresh = new Set([...this.#fresh].filter((other) => other !== entry).concat(entry));
  }

  /** What was noted of a call of the log, once the application has told; asked for where it has not been. */
  of(entry: string): WrapUp | null {
    const known = this.#noted.get(entry);
    if (known === undefined && !this.#wanted.has(entry) && !this.#asked.has(entry)) {
      if (this.#wanted.size === 0) queueMicrotask(() => this.#ask());
      this.#wanted.add(entry);
    }
    return known ?? null;
  }

  #ask(): void {
    const all = [...this.#wanted];
    for (const entry of all) this.#asked.add(entry);
    this.#wanted.clear();
    for (let at = 0; at < all.length; at += AT_ONCE) {
      phone.send({ command: 'work', ask: { do: 'of', entries: all.slice(at, at + AT_ONCE) } });
    }
  }

  ticketsOf(customer: number): readonly Ticket[] {
    const known = this.#tickets.get(customer);
    if (known === undefined && !this.#askedTickets.has(customer)) {
      this.#askedTickets.add(customer);
      queueMicrotask(() => phone.send({ command: 'work', ask: { do: 'tickets', customer } }));
    }
    return known ?? [];
  }

  take(told: WorkEvent): void {
    switch (told.about) {
      case 'wrap_up_changed': {
        const { wrap_up, call } = told.wrap_up;
        if (call != null && !this.#fresh.has(wrap_up.entry)) this.#fresh = new Set([...this.#fresh, wrap_up.entry]);
        break;
      }
      case 'wrap_up_gone':
        this.#drafts.delete(told.entry);
        break;
      case 'wrap_ups': {
        const noted = new Map(this.#noted);
        for (const wrapUp of told.wrap_ups) noted.set(wrapUp.entry, wrapUp);
        // What came to nothing is not asked again, either.
        for (const entry of this.#asked) if (!noted.has(entry)) noted.set(entry, null);
        this.#asked.clear();
        this.#noted = noted;
        break;
      }
      case 'former':
        this.#former = new Map(this.#former).set(told.entry, told.former);
        break;
      case 'exported':
        toasts.add({ text: t('history.exported', { file: told.file }), level: 'info' });
        break;
      case 'tickets':
        this.#tickets = new Map(this.#tickets).set(told.customer, told.tickets);
        break;
    }
  }
}

export const work = new Work();
phone.listen((event) => event.event === 'work' && work.take(event.told));
