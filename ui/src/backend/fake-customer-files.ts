// The fake backend's files of customers: a table with commas and headings, read as far as screens and tests want it.
import type { Command, Column, Customer, CustomerFilesEvent, FileSource, ImportView, LayoutChoice, Text } from './bindings';
import type { FakeCustomers } from './fake-customers';
import type { Desk } from './fake-desk';

const NAMED: Record<string, Column> = {
  name: 'name', الاسم: 'name', company: 'company', الشركة: 'company', phone: 'number', الهاتف: 'number', 'e-mail': 'email', البريد: 'email', notes: 'notes', ملاحظات: 'notes',
};
const digits = (text: string) => text.replace(/\D/g, '').replace(/^0+/, '').slice(-9);

export class FakeCustomerFiles {
  #view: ImportView | null = null;
  #text = '';
  #job = 0;
  #rows: { line: number; customer: Customer; known: boolean }[] = [];
  #imported: number[] = [];
  #choice: LayoutChoice = {};
  readonly #customers: FakeCustomers;

  constructor(customers: FakeCustomers) {
    this.#customers = customers;
  }

  obey(desk: Desk, command: Command): boolean {
    if (command.command !== 'customer_files') return false;
    const { ask } = command;
    const tell = (told: CustomerFilesEvent) => desk.later(10, () => desk.emit({ event: 'customer_files', told }));
    const change = (view: ImportView | null) => {
      this.#view = view;
      tell({ about: 'import_changed', import: view && structuredClone(view) });
    };
    switch (ask.do) {
      case 'look':
        this.#choice = ask.choice ?? {};
        change(this.#begun(ask.source));
        tell({ about: 'want', job: ++this.#job, offset: 0, length: 1 << 19 });
        break;
      case 'chunk':
        if (ask.job !== this.#job || this.#view === null) break;
        this.#text = new TextDecoder().decode(Uint8Array.from(atob(ask.bytes), (c) => c.charCodeAt(0)));
        change(this.#looked(this.#view));
        break;
      case 'start': {
        if (this.#view === null) break;
        const taken = this.#rows.filter((row) => !row.known || ask.known_too);
        change({ ...this.#view, stage: 'importing', known_too: ask.known_too ?? false, read: 0 });
        if (this.#view.file.startsWith('long')) break;
        desk.later(400, () => {
          if (this.#view?.stage !== 'importing') return;
          this.#imported = taken.map((row) => this.#customers.add(row.customer));
          change({ ...this.#view, stage: 'done', read: this.#view.size });
          tell({ about: 'last_changed', last: { at_ms: Date.now(), customers: this.#imported.length } });
        });
        break;
      }
      case 'cancel':
        change(this.#view?.stage === 'importing' ? { ...this.#view, stage: 'cancelled', fresh: 0 } : null);
        break;
      case 'undo':
        this.#imported.forEach((id) => this.#customers.remove(id));
        change(null);
        tell({ about: 'last_changed', last: null });
        tell({ about: 'undone', removed: this.#imported.length, kept: 0 });
        this.#imported = [];
        break;
      case 'save_skipped':
        tell({ about: 'saved', file: '/home/layla/Downloads/hatif-import-skipped.csv', customers: null });
        break;
      case 'export':
        tell({ about: 'saved', file: `/home/layla/Downloads/hatif-customers.${ask.format === 'csv' ? 'csv' : 'vcf'}`, customers: 5 });
        break;
    }
    return true;
  }

  #begun(source: FileSource): ImportView {
    const [file, size] = source.from === 'page' ? [source.name, source.size] : [source.path, 0];
    return {
      stage: 'looking', file, size, read: 0, layout: null, headings: [], first: [], fresh: 0, known: 0, skipped: 0, known_too: false, left_out: [], problem: null,
    };
  }

  #looked(view: ImportView): ImportView {
    const lines = this.#text.split(/\r?\n/);
    if (!this.#text.includes(',')) return { ...view, stage: 'failed', problem: { code: 'import.unreadable', params: {} } };
    const headings = lines[0]!.split(',');
    const columns = this.#choice.columns ?? headings.map((heading) => NAMED[heading.trim().toLowerCase()] ?? 'nothing');
    const left_out: { line: number; why: Text }[] = [];
    this.#rows = [];
    lines.slice(1).forEach((text, at) => {
      if (text === '') return;
      const line = at + 2;
      const customer = row(text.split(','), columns);
      const known = this.#customers.has((number) => (customer.numbers ?? []).some((own) => digits(own) === digits(number)));
      if (!customer.name && !customer.company && !customer.numbers?.length) left_out.push({ line, why: { code: 'customer.nameless', params: {} } });
      else {
        this.#rows.push({ line, customer, known });
        if (known) left_out.push({ line, why: { code: 'import.known', params: { name: customer.name ?? '' } } });
      }
    });
    const known = this.#rows.filter((row) => row.known).length;
    return {
      ...view, stage: 'ready', read: view.size, headings, first: this.#rows.slice(0, 10).map((row) => row.customer), fresh: this.#rows.length - known, known,
      skipped: left_out.length - known, left_out,
      layout: { format: 'csv', encoding: this.#choice.encoding ?? 'utf8', separator: 'comma', heading: true, columns },
    };
  }
}

function row(cells: string[], columns: Column[]): Customer {
  const of = (column: Column) => cells.filter((cell, at) => columns[at] === column && cell.trim() !== '').map((cell) => cell.trim());
  return {
    id: 0, name: of('name').join(' '), company: of('company').join(' '), numbers: of('number'), emails: of('email'), reference: '', stage: null, owner: '', tags: of('tags'),
    notes: of('notes').join('\n'),
  };
}
