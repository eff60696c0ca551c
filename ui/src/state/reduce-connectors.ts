// How what is told of connectors changes what the window shows. Pure.
import type { ConnectorsEvent, ConnectorsView } from '../backend';

export const noConnectors = (): ConnectorsView => ({ connectors: [], outbox: [], waiting: 0, found: [] });

export function reduceConnectors(view: ConnectorsView | undefined, told: ConnectorsEvent): ConnectorsView {
  const before = view ?? noConnectors();
  switch (told.about) {
    case 'changed':
      return { ...before, connectors: told.connectors, outbox: told.outbox, waiting: told.waiting };
    case 'looked_up':
      return { ...before, found: [...before.found.filter((found) => found.call !== told.found.call), told.found] };
    default:
      return before;
  }
}

/** What was found of a call that has left the screen goes with it. */
export function withoutCall(view: ConnectorsView | undefined, call: number): ConnectorsView {
  const before = view ?? noConnectors();
  return { ...before, found: before.found.filter((found) => found.call !== call) };
}
