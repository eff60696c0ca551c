// Customers who are there twice, as the application found them last.
import type { Customer, DuplicateGroup, DuplicatesCommand, DuplicatesEvent } from '../backend';
import { t } from '../i18n/i18n.svelte';
import { customers } from './customers.svelte';
import { phone } from './phone.svelte';
import { toasts } from './toasts.svelte';

class Duplicates {
  /** None: not known yet. */
  groups = $state.raw<readonly DuplicateGroup[]>();

  find(): void {
    this.groups = undefined;
    this.#send({ do: 'find' });
  }

  merge(customer: Customer, others: number[]): void {
    this.#send({ do: 'merge', customer, others });
  }

  undo(): void {
    this.#send({ do: 'undo' });
  }

  take(told: DuplicatesEvent): void {
    if (told.about === 'found') this.groups = told.groups;
    else customers.again();
    if (told.about === 'merged') toasts.add({ text: t('merge.merged'), level: 'info', undo: () => this.undo() });
  }

  #send(ask: DuplicatesCommand): void {
    phone.send({ command: 'duplicates', ask });
  }
}

export const duplicates = new Duplicates();
phone.listen((event) => event.event === 'duplicates' && duplicates.take(event.told));
