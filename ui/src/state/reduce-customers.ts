// How what is told of customers changes what the window shows. Pure.
import type { CustomersEvent, CustomersView } from '../backend';

export function reduceCustomers(view: CustomersView | undefined, told: CustomersEvent): CustomersView {
  const before = view ?? { cards: [] };
  switch (told.about) {
    case 'card_changed': {
      const others = before.cards.filter((card) => card.call !== told.card.call);
      return { ...before, cards: [...others, told.card] };
    }
    case 'card_gone':
      return { ...before, cards: before.cards.filter((card) => card.call !== told.call) };
    default:
      return before;
  }
}
