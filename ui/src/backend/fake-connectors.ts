// The fake backend's connectors: one that is there, an example to add, what waits. A number with 8820 is known there, one
// with 000 is not, `secret` as a password is refused.
import type { Command, ConnectorForm, ConnectorsEvent, ConnectorsView, DescriptionView, ExampleView, LookedUpView, RecordView, Snapshot } from './bindings';
import type { Desk } from './fake-desk';

const about = (name: string, tested: string | null): DescriptionView => ({
  name, documents: 'https://docs.example/rest', tested, looks_up: true, logs_calls: true, tells_moments: false,
  fields: [
    { name: 'base', label: null, kind: 'address', default: '' },
    { name: 'user', label: null, kind: 'text', default: '' },
    { name: 'password', label: null, kind: 'secret', default: '' },
    { name: 'rt_queue', label: 'Queue', kind: 'text', default: 'General' },
  ],
});

const EXAMPLES: ExampleView[] = [
  { file: 'request-tracker', description: '{"name":"Request Tracker"}', about: about('Request Tracker', 'Request Tracker 5.0.3') },
  { file: 'hubspot', description: '{"name":"HubSpot"}', about: about('HubSpot', null) },
];

export const RECORD: RecordView = {
  id: '17', name: 'Sara Ahmadi', company: 'Parsian Textiles', email: 'sara@parsian.example', stage: 'Key account', owner: 'Layla', notes: '',
  facts: [{ label: 'Open tickets', value: '#412 Order 88-114 is late' }, { label: 'سفارش‌ها', value: '۱۲ سفارش' }], opens: true,
};

const MINUTE = 60_000;

export function withConnectors(): ConnectorsView {
  const example = EXAMPLES[0]!;
  const created = (minutes: number) => Date.now() - minutes * MINUTE;
  return {
    connectors: [
      {
        id: 1, name: 'Request Tracker', description: example.description, about: example.about, fields: { base: 'https://rt.example', user: 'hatif', rt_queue: 'General' },
        secrets: ['password'], ca_file: '', looks_up: true, logs_calls: true, tells_moments: false, trouble: null,
      },
    ],
    outbox: [
      { id: '1', connector: 1, action: 'log_call', about: 'Thomas Köhler', created_ms: created(63), attempts: 2, held: false, failed: true, problem: { code: 'connector.refused_because', params: { status: '422', detail: 'Queue is disabled' } } },
      { id: '2', connector: 1, action: 'log_call', about: '+98 21 8820 1140', created_ms: created(4), attempts: 1, held: false, failed: false, problem: { code: 'connector.unreachable', params: {} } },
      { id: '3', connector: 1, action: 'log_call', about: 'سارا احمدی', created_ms: created(1), attempts: 0, held: true, failed: false, problem: null },
    ],
    waiting: 3,
    found: [],
  };
}

export class FakeConnectors {
  view: ConnectorsView = withConnectors();

  /** What the connectors say of the calls that are on the screen. */
  foundFor(snapshot: Snapshot): LookedUpView[] {
    return snapshot.calls.map((call) => ({
      call: call.id,
      sources: this.view.connectors.filter((connector) => connector.looks_up && /\d{3}/.test(call.peer.address)).map((connector) => ({
        connector: connector.id, name: connector.name, looking: false, problem: null,
        records: call.peer.address.replace(/\D/g, '').includes('8820') ? [RECORD] : [],
      })),
    }));
  }

  obey(desk: Desk, command: Command): boolean {
    if (command.command !== 'connectors') return false;
    const { ask } = command;
    const tell = (told: ConnectorsEvent) => desk.later(10, () => desk.emit({ event: 'connectors', told }));
    const changed = () => tell({ about: 'changed', connectors: this.view.connectors, outbox: this.view.outbox, waiting: this.view.outbox.length });
    switch (ask.do) {
      case 'examples':
        tell({ about: 'examples', examples: EXAMPLES });
        break;
      case 'read': {
        const found = EXAMPLES.find((example) => example.description === ask.description);
        if (found) tell({ about: 'read', request: ask.request, description: found.about });
        else tell({ about: 'failed', request: ask.request, text: { code: 'connector.unreadable', params: { detail: 'expected value at line 1 column 1' } } });
        break;
      }
      case 'save':
        this.#save(ask.connector);
        tell({ about: 'saved', request: ask.request, connector: ask.connector.id || 2 });
        changed();
        break;
      case 'try': {
        const refused = ask.connector.secrets?.['password'] === 'secret';
        tell({
          about: 'tried', request: ask.request,
          tried: {
            request: 'GET https://rt.example/users?phone=%2B982188201140\nAuthorization: ***\n\n', answer: '{ "items": [] }',
            records: ask.number.includes('8820') && !refused ? [RECORD] : [], problem: refused ? { code: 'connector.sign_in', params: {} } : null,
          },
        });
        break;
      }
      case 'delete':
        this.view = { ...this.view, connectors: this.view.connectors.filter((c) => c.id !== ask.connector), outbox: this.view.outbox.filter((o) => o.connector !== ask.connector) };
        changed();
        break;
      case 'retry':
      case 'discard':
        this.view = { ...this.view, outbox: this.view.outbox.filter((item) => item.id !== ask.item) };
        changed();
        break;
    }
    return true;
  }

  #save(form: ConnectorForm): void {
    const id = form.id || 2;
    const { secrets, ...rest } = form;
    const known = EXAMPLES.find((example) => example.description === form.description);
    const saved = {
      id, name: rest.name ?? '', description: rest.description, about: known?.about ?? null, fields: rest.fields ?? {}, secrets: Object.keys(secrets ?? {}),
      ca_file: rest.ca_file ?? '', looks_up: rest.looks_up ?? false, logs_calls: rest.logs_calls ?? false, tells_moments: rest.tells_moments ?? false, trouble: null,
    };
    this.view = { ...this.view, connectors: [...this.view.connectors.filter((c) => c.id !== id), saved as ConnectorsView['connectors'][number]] };
  }
}
