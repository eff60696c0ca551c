// The fake backend's agent's work: wrap-ups of answered calls (where the scenario's settings ask for them), tickets, tasks.
import type { CallView, Command, FormerNotes, HistoryFilter, Snapshot, Task, Ticket, WorkEvent, WorkView, WrapUp, WrapUpView } from './bindings';
import type { Desk } from './fake-desk';

const HOUR = 3_600_000;

const blank = (entry: string): WrapUp => ({ entry, customer: null, ticket: null, disposition: '', status: null, notes: '', tags: [], next_action: '', done: false });

export class FakeWork {
  #noted = new Map<string, WrapUp>();
  #former = new Map<string, FormerNotes[]>();
  #tickets: Ticket[] = [];
  #tasks: Task[] = [];

  constructor(snapshot: Snapshot) {
    const now = Date.now();
    if (!snapshot.settings.wrap_up) return;
    this.#noted.set('100', { ...blank('100'), customer: 1, ticket: 41, disposition: 'callback', status: 'follow_up', notes: 'Order 88-114: supplier will say on Monday.', tags: ['سفارش'], done: true });
    this.#noted.set('98', { ...blank('98'), disposition: 'information', status: 'closed', notes: 'أرسلت قائمة الأسعار.', done: true });
    this.#tickets = [
      { id: 41, customer: 1, subject: 'Order 88-114 is late', status: 'follow_up', priority: 'high', opened_ms: now - 50 * HOUR, changed_ms: now - HOUR },
      { id: 37, customer: 1, subject: 'Invoice address', status: 'resolved', priority: 'normal', opened_ms: now - 900 * HOUR, changed_ms: now - 800 * HOUR },
    ];
    const task = (id: number, name: string, address: string, text: string, hours: number): Task => ({
      id, customer: null, ticket: null, name, address, text, due_ms: now + Math.round(hours * HOUR), remind_min: 5, done: false,
    });
    this.#tasks = [
      task(1, 'امید کریمی', '0912 000 4321', 'قیمت جدید را بگو', -1.5),
      task(2, 'Sara Ahmadi', '+98 21 8820 1140', 'What the supplier said', 0.5),
      task(3, '', '', 'Send the price list to Köhler & Söhne', 30),
    ];
  }

  view(snapshot: Snapshot): WorkView {
    const wrap_ups = snapshot.calls.filter((call) => this.#wanted(snapshot, call)).map((call) => this.#begin(call));
    return { wrap_ups, tasks: this.#tasks };
  }

  #wanted(snapshot: Snapshot, call: CallView): boolean {
    return snapshot.settings.wrap_up === true && call.state.state === 'active' && call.consult_for === null && call.account !== 1;
  }

  #begin(call: CallView): WrapUpView {
    const customer = call.peer.name === 'Sara Ahmadi' ? 1 : null;
    const open = this.#tickets.filter((ticket) => ticket.customer === customer && (ticket.status === 'open' || ticket.status === 'follow_up'));
    const made: Ticket = { id: 42 + call.id, customer, subject: '', status: 'open', priority: 'normal', opened_ms: Date.now(), changed_ms: Date.now() };
    const tickets = open.length > 0 ? open : [made];
    if (open.length === 0) this.#tickets.push(made);
    const wrap_up = { ...blank(String(call.id)), customer, ticket: tickets.length === 1 ? tickets[0]!.id : null };
    return { wrap_up, tickets, call: call.id, ended: false, direction: call.direction, peer: call.peer, started_ms: call.started_ms ?? 0, talked_s: 0 };
  }

  /** A call has changed or gone. */
  follow(desk: Desk, id: number): void {
    const call = desk.snapshot.calls.find((other) => other.id === id);
    const known = desk.snapshot.work?.wrap_ups.find((view) => view.call === id);
    const changed = (wrap_up: WrapUpView) => this.#tell(desk, { about: 'wrap_up_changed', wrap_up });
    if (call && !known && !this.#noted.get(String(id))?.done && this.#wanted(desk.snapshot, call)) changed(this.#begin(call));
    else if (call?.state.state === 'ended' && known && !known.ended) changed({ ...known, ended: true, talked_s: call.state.talked_s });
    else if (!call && known) changed({ ...known, call: null });
  }

  obey(desk: Desk, command: Command): boolean {
    if (command.command !== 'work') return false;
    const { ask } = command;
    const later = (told: WorkEvent) => desk.later(10, () => this.#tell(desk, told));
    const drafts = desk.snapshot.work?.wrap_ups ?? [];
    switch (ask.do) {
      case 'keep': {
        const view = drafts.find((other) => other.wrap_up.entry === ask.wrap_up.entry);
        const before = view?.wrap_up ?? this.#noted.get(ask.wrap_up.entry);
        const wrap_up: WrapUp = { ...blank(''), ...ask.wrap_up, customer: before?.customer ?? null, ticket: before?.ticket ?? null };
        if (before?.done && before.notes !== wrap_up.notes) {
          this.#former.set(wrap_up.entry, [{ until_ms: Date.now(), notes: before.notes ?? '' }, ...(this.#former.get(wrap_up.entry) ?? [])]);
        }
        this.#noted.set(wrap_up.entry, wrap_up);
        if (!wrap_up.done) {
          if (view) later({ about: 'wrap_up_changed', wrap_up: { ...view, wrap_up } });
          break;
        }
        this.#tickets = this.#tickets.map((ticket) => (ticket.id === wrap_up.ticket && wrap_up.status ? { ...ticket, status: wrap_up.status } : ticket));
        later({ about: 'wrap_up_gone', entry: wrap_up.entry });
        later({ about: 'wrap_ups', wrap_ups: [wrap_up] });
        if (wrap_up.customer != null) later(this.#ticketsOf(wrap_up.customer));
        break;
      }
      case 'join': {
        const view = drafts.find((other) => other.wrap_up.entry === ask.entry);
        const ticket = this.#tickets.find((other) => other.id === ask.ticket) ?? { id: 60, customer: view?.wrap_up.customer ?? null, subject: '', status: 'open', priority: 'normal' } as Ticket;
        if (view) later({ about: 'wrap_up_changed', wrap_up: { ...view, wrap_up: { ...view.wrap_up, ticket: ticket.id }, tickets: [ticket] } });
        break;
      }
      case 'of':
        later({ about: 'wrap_ups', wrap_ups: ask.entries.map((entry) => this.#noted.get(entry)).filter((wrapUp) => wrapUp !== undefined) });
        break;
      case 'export':
        later({ about: 'exported', file: '/home/layla/Downloads/hatif-calls.csv', calls: desk.snapshot.history.length });
        break;
      case 'former':
        later({ about: 'former', entry: ask.entry, former: this.#former.get(ask.entry) ?? [] });
        break;
      case 'tickets':
        later(this.#ticketsOf(ask.customer));
        break;
      case 'keep_ticket':
        this.#tickets = this.#tickets.map((ticket) => (ticket.id === ask.ticket.id ? { ...ticket, ...ask.ticket } : ticket));
        later(this.#ticketsOf(ask.ticket.customer ?? 0));
        break;
      case 'keep_task': {
        const id = ask.task.id || Math.max(0, ...this.#tasks.map((task) => task.id ?? 0)) + 1;
        this.#tasks = [...this.#tasks.filter((task) => task.id !== id), { ...ask.task, id }];
        const tasks = this.#tasks.filter((task) => !task.done).sort((a, b) => (a.due_ms ?? 0) - (b.due_ms ?? 0));
        later({ about: 'tasks_changed', tasks });
        break;
      }
    }
    return true;
  }

  /** Whether what was noted of a call is what a search wants. */
  passes(entry: string, filter: HistoryFilter): boolean {
    const noted = this.#noted.get(entry);
    const is = (wanted: string | null | undefined, value: string | null | undefined) => !wanted || wanted === value;
    return is(filter.disposition, noted?.disposition) && is(filter.status, noted?.status) && (!filter.tag || (noted?.tags ?? []).includes(filter.tag));
  }

  #ticketsOf(customer: number): WorkEvent {
    return { about: 'tickets', customer, tickets: this.#tickets.filter((ticket) => ticket.customer === customer) };
  }

  #tell(desk: Desk, told: WorkEvent): void {
    desk.emit({ event: 'work', told });
  }
}
