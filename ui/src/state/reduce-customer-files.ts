// How what is told of files of customers changes what the window shows. Pure.
import type { CustomerFilesEvent, CustomerFilesView } from '../backend';

export function reduceCustomerFiles(view: CustomerFilesView | undefined, told: CustomerFilesEvent): CustomerFilesView {
  const before = view ?? { import: null, last: null };
  switch (told.about) {
    case 'import_changed':
      return { ...before, import: told.import };
    case 'last_changed':
      return { ...before, last: told.last };
    default:
      return before;
  }
}
