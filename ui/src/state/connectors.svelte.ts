// Connectors as the window knows them: which there are, what they found, and what was asked of the application and not
// answered yet.
import type { ConnectorForm, ConnectorsCommand, ConnectorsEvent, DescriptionView, ExampleView, SourceView, TriedView } from '../backend';
import { phone } from './phone.svelte';

type Answer = Extract<ConnectorsEvent, { request: number }>;

class Connectors {
  examples = $state.raw<readonly ExampleView[]>();
  #request = 0;
  #asked = new Map<number, (answer: Answer) => void>();

  /** What is known of who is on the line, one for each connector that was asked. */
  sources(call: number): readonly SourceView[] {
    return phone.connectors?.found.find((found) => found.call === call)?.sources ?? [];
  }

  send(ask: ConnectorsCommand): void {
    phone.send({ command: 'connectors', ask });
  }

  learn(): void {
    if (this.examples === undefined) this.send({ do: 'examples' });
  }

  #ask<T>(make: (request: number) => ConnectorsCommand, read: (answer: Answer) => T | undefined): Promise<T> {
    const request = ++this.#request;
    return new Promise((resolve, reject) => {
      this.#asked.set(request, (answer) => {
        const found = read(answer);
        if (found !== undefined) resolve(found);
        else if (answer.about === 'failed') reject(answer.text);
      });
      this.send(make(request));
    });
  }

  /** Each fails with what the application says against it (a `Text`). */
  read(description: string): Promise<DescriptionView> {
    return this.#ask((request) => ({ do: 'read', request, description }), (a) => (a.about === 'read' ? a.description : undefined));
  }

  save(connector: ConnectorForm): Promise<number> {
    return this.#ask((request) => ({ do: 'save', request, connector }), (a) => (a.about === 'saved' ? a.connector : undefined));
  }

  try(connector: ConnectorForm, number: string): Promise<TriedView> {
    return this.#ask((request) => ({ do: 'try', request, connector, number }), (a) => (a.about === 'tried' ? a.tried : undefined));
  }

  take(told: ConnectorsEvent): void {
    if (told.about === 'examples') this.examples = told.examples;
    if (!('request' in told)) return;
    this.#asked.get(told.request)?.(told);
    this.#asked.delete(told.request);
  }
}

export const connectors = new Connectors();
phone.listen((event) => event.event === 'connectors' && connectors.take(event.told));

