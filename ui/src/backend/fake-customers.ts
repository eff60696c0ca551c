// The fake backend's customers: a small address book, and the cards of calls out of it.
import type { CardView, Command, Customer, CustomersEvent, Snapshot } from './bindings';
import type { Desk } from './fake-desk';

const person = (id: number, name: string, company: string, numbers: string[], more: Partial<Customer> = {}): Customer => ({
  id, name, company, numbers, emails: [], reference: '', stage: null, owner: '', tags: [], notes: '', ...more,
});

const book = (): Customer[] => [
  person(1, 'Sara Ahmadi', 'Parsian Textiles', ['+98 21 8820 1140'], {
    stage: 'customer', owner: 'Layla', tags: ['VIP', 'سفارش'], reference: '4711', emails: ['sara@parsian.example'],
    notes: 'Prefers to be called before noon.\nOrder 88-114 is late.',
  }),
  person(2, 'امید کریمی', 'شرکت آب و برق', ['0912 000 4321'], { stage: 'lead' }),
  person(3, 'Thomas Köhler', 'Köhler & Söhne GmbH', ['+43 1 58058 0']),
  person(4, 'نورة السالم', 'السالم للتجارة', ['+971 4 330 1000'], { stage: 'qualified' }),
  person(5, 'خالد السالم', 'السالم للتجارة', ['+971 4 330 1000']),
];

const digits = (text: string) => text.replace(/\D/g, '').replace(/^0+/, '').slice(-9);

export class FakeCustomers {
  #book = book();
  readonly #chosen = new Map<number, number>();

  cardsOf(snapshot: Snapshot): CardView[] {
    return snapshot.calls.map((call) => {
      const found = this.#book.filter((customer) => customer.numbers?.some((number) => digits(number) !== '' && digits(number) === digits(call.peer.address)));
      const earlier = snapshot.history.filter((entry) => entry.peer.address === call.peer.address && (entry.started_ms ?? 0) < (call.started_ms ?? 0));
      const chosen = found.length === 1 ? found[0]!.id! : (this.#chosen.get(call.id) ?? null);
      return { call: call.id, number: call.peer.address, looking: false, customers: found, chosen, earlier };
    });
  }

  get all(): Customer[] {
    return this.#book;
  }

  set all(book: Customer[]) {
    this.#book = book;
  }

  add(customer: Customer): number {
    const id = Math.max(0, ...this.#book.map((other) => other.id ?? 0)) + 1;
    this.#book = [...this.#book, { ...customer, id }];
    return id;
  }

  remove(id: number): void {
    this.#book = this.#book.filter((other) => other.id !== id);
  }

  has(is: (number: string) => boolean): boolean {
    return this.#book.some((customer) => customer.numbers?.some(is));
  }

  obey(desk: Desk, command: Command): boolean {
    if (command.command !== 'customers') return false;
    const { ask } = command;
    const tell = (told: CustomersEvent) => desk.later(10, () => desk.emit({ event: 'customers', told }));
    switch (ask.do) {
      case 'find': {
        const words = (ask.text ?? '').toLowerCase().split(/\s+/).filter(Boolean);
        const found = this.#book.filter((customer) => words.every((word) => JSON.stringify(customer).toLowerCase().includes(word)));
        const page = found.slice(ask.offset ?? 0, (ask.offset ?? 0) + (ask.limit ?? 50));
        tell({ about: 'found', request: ask.request, customers: page, more: false, total: found.length });
        break;
      }
      case 'names':
        tell({
          about: 'names',
          names: ask.addresses.map((address) => {
            const found = this.#book.filter((customer) => customer.numbers?.some((number) => digits(number) !== '' && digits(number) === digits(address)));
            const one = found.length === 1 ? found[0] : undefined;
            return { address, customer: one?.id ?? null, name: one?.name ?? null };
          }),
        });
        break;
      case 'save': {
        const { customer } = ask;
        if (!customer.name && !customer.company && !customer.numbers?.length) {
          tell({ about: 'failed', request: ask.request, text: { code: 'customer.nameless', params: {} } });
          break;
        }
        const id = customer.id || Math.max(0, ...this.#book.map((other) => other.id ?? 0)) + 1;
        this.#book = [...this.#book.filter((other) => other.id !== id), { ...customer, id }];
        tell({ about: 'saved', request: ask.request, customer: { ...customer, id } });
        this.#tellCards(desk);
        break;
      }
      case 'delete':
        this.#book = this.#book.filter((other) => other.id !== ask.customer);
        tell({ about: 'deleted', customer: ask.customer });
        this.#tellCards(desk);
        break;
      case 'erase': {
        // One of them has a recording that must be kept.
        const held = this.#book.some((other) => other.id === ask.customer && other.name === 'Thomas Köhler');
        if (held) {
          tell({ about: 'failed', request: ask.request, text: { code: 'customer.erase_held', params: {} } });
          break;
        }
        const theirs = (address: string) => this.#book.some((other) => other.id === ask.customer && other.numbers?.some((number) => digits(number) === digits(address)));
        const history = desk.snapshot.history.map((entry) => (theirs(entry.peer.address) ? { ...entry, peer: { name: null, address: '' } } : entry));
        this.#book = this.#book.filter((other) => other.id !== ask.customer);
        desk.later(10, () => desk.emit({ event: 'history_changed', history }));
        tell({ about: 'erased', request: ask.request, customer: ask.customer });
        this.#tellCards(desk);
        break;
      }
      case 'choose':
        this.#chosen.set(ask.call, ask.customer);
        this.#tellCards(desk);
        break;
    }
    return true;
  }

  #tellCards(desk: Desk): void {
    desk.later(10, () => {
      for (const card of this.cardsOf(desk.snapshot)) desk.emit({ event: 'customers', told: { about: 'card_changed', card } });
    });
  }
}
