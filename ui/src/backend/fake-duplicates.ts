// The fake backend's customers who are there twice: those who share a number.
import type { Command, Customer, DuplicateGroup, DuplicatesEvent } from './bindings';
import type { FakeCustomers } from './fake-customers';
import type { Desk } from './fake-desk';

export class FakeDuplicates {
  #before: Customer[] | undefined;
  readonly #customers: FakeCustomers;

  constructor(customers: FakeCustomers) {
    this.#customers = customers;
  }

  obey(desk: Desk, command: Command): boolean {
    if (command.command !== 'duplicates') return false;
    const { ask } = command;
    const tell = (told: DuplicatesEvent) => desk.later(10, () => desk.emit({ event: 'duplicates', told }));
    const all = this.#customers.all;
    if (ask.do === 'merge') {
      this.#before = all;
      this.#customers.all = all.filter((one) => !ask.others.includes(one.id ?? 0)).map((one) => (one.id === ask.customer.id ? ask.customer : one));
      tell({ about: 'merged', customer: ask.customer.id ?? 0 });
    } else if (ask.do === 'undo' && this.#before) {
      this.#customers.all = this.#before;
      this.#before = undefined;
      tell({ about: 'undone', customers: [] });
    }
    const groups = new Map<string, Customer[]>();
    for (const one of this.#customers.all) {
      const number = one.numbers?.[0] ?? '';
      groups.set(number, [...(groups.get(number) ?? []), one]);
    }
    const twice = [...groups].filter(([number, some]) => number !== '' && some.length > 1);
    tell({ about: 'found', groups: twice.map(([, some]): DuplicateGroup => ({ why: 'number', customers: some })) });
    return true;
  }
}
