// Customers as the window knows them: whose a number is, the pages of the address book, and what was asked of the
// application and not answered yet.
import type { CardView, Customer, CustomersEvent, Text } from '../backend';
import { phone } from './phone.svelte';
import { TOAST_MS, toasts } from './toasts.svelte';

const PAGE = 50;
/** Numbers that are asked about at once. */
const AT_ONCE = 200;

export const blank = (): Customer => ({
  id: 0, name: '', company: '', numbers: [], emails: [], reference: '', stage: null, owner: '', tags: [], notes: '',
});

class Customers {
  list = $state.raw<readonly Customer[]>([]);
  total = $state(0);
  more = $state(false);
  loading = $state(true);
  /** Customers that are deleted when their toast has gone. */
  hidden = $state.raw<ReadonlySet<number>>(new Set());

  #query = '';
  #offset = 0;
  #request = 0;
  #finding = 0;
  #saving = new Map<number, { resolve: (customer: Customer) => void; reject: (why: Text) => void }>();
  #erasing = new Map<number, { resolve: () => void; reject: (why: Text) => void }>();
  /** By what was asked about: the name, or nothing known. */
  #names = $state.raw<ReadonlyMap<string, string | null>>(new Map());
  /** To be asked about, and asked about. */
  #wanted = new Set<string>();
  #asked = new Set<string>();
  #deleting = new Map<number, ReturnType<typeof setTimeout>>();

  constructor() {
    addEventListener('pagehide', () => [...this.#deleting.keys()].forEach((id) => this.#carryOut(id)));
  }

  card(call: number): CardView | undefined {
    return phone.customers?.cards.find((card) => card.call === call);
  }

  /** The customer's name whose number it is, once the application has told; asked for where it has not been. */
  nameOf(address: string): string | null {
    const known = this.#names.get(address);
    if (known === undefined && address !== '' && !this.#wanted.has(address) && !this.#asked.has(address)) {
      if (this.#wanted.size === 0) queueMicrotask(() => this.#ask());
      this.#wanted.add(address);
    }
    return known ?? null;
  }

  #ask(): void {
    const all = [...this.#wanted];
    for (const address of all) this.#asked.add(address);
    this.#wanted.clear();
    for (let at = 0; at < all.length; at += AT_ONCE) {
      phone.send({ command: 'customers', ask: { do: 'names', addresses: all.slice(at, at + AT_ONCE) } });
    }
  }

  find(query: string): void {
    this.#query = query;
    this.#offset = 0;
    this.#find();
  }

  next(): void {
    this.#offset = this.list.length;
    this.#find();
  }

  #find(): void {
    this.loading = true;
    this.#finding = ++this.#request;
    phone.send({ command: 'customers', ask: { do: 'find', request: this.#finding, text: this.#query, offset: this.#offset, limit: PAGE } });
  }

  /** Keeps a customer. Fails with what the application says against it. */
  save(customer: Customer): Promise<Customer> {
    const request = ++this.#request;
    return new Promise((resolve, reject) => {
      this.#saving.set(request, { resolve, reject });
      phone.send({ command: 'customers', ask: { do: 'save', request, customer: $state.snapshot(customer) } });
    });
  }

  /** Erases a customer with all that names them. Fails with what stands against it. */
  erase(customer: number): Promise<void> {
    const request = ++this.#request;
    return new Promise((resolve, reject) => {
      this.#erasing.set(request, { resolve, reject });
      phone.send({ command: 'customers', ask: { do: 'erase', request, customer } });
    });
  }

  /** Hides a customer, offers to undo, and deletes when nobody did. */
  delete(id: number, text: string): void {
    this.hidden = new Set([...this.hidden, id]);
    this.#deleting.set(id, setTimeout(() => this.#carryOut(id), TOAST_MS));
    toasts.add({ text, level: 'info', undo: () => this.#undo(id) });
  }

  #undo(id: number): void {
    clearTimeout(this.#deleting.get(id));
    this.#deleting.delete(id);
    this.hidden = new Set([...this.hidden].filter((other) => other !== id));
  }

  #carryOut(customer: number): void {
    clearTimeout(this.#deleting.get(customer));
    if (this.#deleting.delete(customer)) phone.send({ command: 'customers', ask: { do: 'delete', customer } });
  }

  take(told: CustomersEvent): void {
    switch (told.about) {
      case 'found':
        if (told.request !== this.#finding) return;
        this.list = this.#offset === 0 ? told.customers : [...this.list, ...told.customers];
        this.more = told.more;
        this.total = told.total;
        this.loading = false;
        break;
      case 'names': {
        const names = new Map(this.#names);
        for (const { address, name } of told.names) names.set(address, name);
        // What came to nothing is not asked again, either.
        for (const address of this.#asked) if (!names.has(address)) names.set(address, null);
        this.#asked.clear();
        this.#names = names;
        break;
      }
      case 'saved':
        this.#saving.get(told.request)?.resolve(told.customer);
        this.#saving.delete(told.request);
        this.#changed();
        break;
      case 'deleted':
        this.#changed();
        break;
      case 'erased':
        this.#erasing.get(told.request)?.resolve();
        this.#erasing.delete(told.request);
        this.#changed();
        break;
      case 'failed':
        this.#saving.get(told.request)?.reject(told.text);
        this.#saving.delete(told.request);
        this.#erasing.get(told.request)?.reject(told.text);
        this.#erasing.delete(told.request);
        break;
    }
  }

  /** Customers came or went by other ways. */
  again(): void {
    this.#changed();
  }

  #changed(): void {
    this.#names = new Map();
    this.#asked.clear();
    if (this.list.length > 0 || this.total > 0 || !this.loading) this.find(this.#query);
  }
}

export const customers = new Customers();
phone.listen((event) => event.event === 'customers' && customers.take(event.told));
