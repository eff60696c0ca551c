// Files of customers: the one that is imported, given to the application part by part as it asks, and what it writes.
import type { CustomerFilesCommand, CustomerFilesEvent, FileFormat, LayoutChoice } from '../backend';
import { t } from '../i18n/i18n.svelte';
import { customers } from './customers.svelte';
import { phone } from './phone.svelte';
import { shown } from './number';
import { toasts } from './toasts.svelte';

class CustomerFiles {
  #file: File | undefined;

  readonly current = $derived(phone.customerFiles?.import ?? null);
  readonly last = $derived(phone.customerFiles?.last ?? null);

  look(file: File): void {
    this.#file = file;
    this.again({});
  }

  /** The same file, read otherwise. */
  again(choice: LayoutChoice): void {
    if (this.#file === undefined) return;
    this.#send({ do: 'look', source: { from: 'page', name: this.#file.name, size: this.#file.size }, choice });
  }

  start(knownToo: boolean): void {
    this.#send({ do: 'start', known_too: knownToo });
  }

  cancel(): void {
    this.#send({ do: 'cancel' });
  }

  undo(): void {
    this.#send({ do: 'undo' });
  }

  saveSkipped(): void {
    this.#send({ do: 'save_skipped' });
  }

  export(format: FileFormat): void {
    this.#send({ do: 'export', format });
  }

  take(told: CustomerFilesEvent): void {
    if (told.about === 'want') void this.#give(told.job, told.offset ?? 0, told.length);
    else if (told.about === 'saved') toasts.add({ text: t('import.saved', { file: shown(told.file) }), level: 'info' });
    else if (told.about === 'undone') {
      toasts.add({ text: t('import.undone', { removed: told.removed, kept: told.kept }), level: 'info' });
      customers.again();
    } else if (told.about === 'import_changed' && ['done', 'cancelled', 'failed'].includes(told.import?.stage ?? '')) customers.again();
  }

  async #give(job: number, offset: number, length: number): Promise<void> {
    let bytes = '';
    try {
      // A page that was loaded anew has the file no more.
      if (this.#file === undefined) throw new Error('no file');
      bytes = await base64(this.#file.slice(offset, offset + length));
    } catch {
      bytes = '!';
    }
    this.#send({ do: 'chunk', job, bytes });
  }

  #send(ask: CustomerFilesCommand): void {
    phone.send({ command: 'customer_files', ask });
  }
}

function base64(part: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onerror = () => reject(reader.error);
    reader.onload = () => resolve(String(reader.result).split(',')[1] ?? '');
    reader.readAsDataURL(part);
  });
}

export const customerFiles = new CustomerFiles();
phone.listen((event) => event.event === 'customer_files' && customerFiles.take(event.told));
