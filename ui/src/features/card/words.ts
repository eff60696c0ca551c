// Who a card says it is, and what a new customer's form begins with.
import type { CallView, CardView, Customer } from '../../backend';
import { blank } from '../../state/customers.svelte';
import { phone } from '../../state/phone.svelte';

export function customerOf(card: CardView | undefined): Customer | undefined {
  return card?.customers.find((customer) => customer.id === card.chosen);
}

/** No customer was found, once that has been looked up, and no colleague either. */
export function isStranger(call: CallView, card: CardView | undefined): boolean {
  const { address } = call.peer;
  const known = call.practice || phone.colleagues.some((colleague) => colleague.number === address);
  return card !== undefined && !card.looking && address !== '' && !known;
}

/** The caller as a new customer: the number as it is dialled from anywhere, and what they call themselves. */
export function prefilled(call: CallView, card: CardView | undefined): Customer {
  const name = call.peer.name?.trim() ?? '';
  return {
    ...blank(),
    name: /\p{L}/u.test(name) ? name : '',
    numbers: [card?.number ?? call.peer.address],
    reference: call.customer ?? '',
    stage: 'lead',
  };
}
