// The phone as the window knows it: the last snapshot with every event since. Screens read `phone.*` and send
// commands; nothing here decides anything about a call.
import type { AccountView, Backend, CallView, Command, Event, Snapshot } from '../backend';
import { lastLanguage, useLanguage } from '../i18n/i18n.svelte';
import { refused } from './refusals';
import { reduce } from './reduce';

type Status = 'starting' | 'running' | 'lost' | 'stopped';

class Phone {
  status = $state<Status>('starting');
  /** Peak levels for the meters, 0.0 to 1.0. Apart from the snapshot: they change 15 times a second. */
  microphoneLevel = $state(0);
  speakerLevel = $state(0);

  #snapshot = $state.raw<Snapshot>();
  #backend: Backend | undefined;
  readonly #listeners = new Set<(event: Event) => void>();

  readonly version = $derived(this.#snapshot?.version ?? '');
  readonly accounts = $derived(this.#snapshot?.accounts ?? []);
  readonly calls = $derived(this.#snapshot?.calls ?? []);
  readonly history = $derived(this.#snapshot?.history ?? []);
  readonly devices = $derived(this.#snapshot?.devices);
  readonly headsets = $derived(this.#snapshot?.headsets ?? { headsets: [], denied: [] });
  readonly settings = $derived(this.#snapshot?.settings ?? {});
  readonly agent = $derived(this.#snapshot?.agent);
  readonly colleagues = $derived(this.#snapshot?.colleagues ?? []);
  readonly customers = $derived(this.#snapshot?.customers);
  readonly customerFiles = $derived(this.#snapshot?.customer_files);
  readonly work = $derived(this.#snapshot?.work);
  readonly connectors = $derived(this.#snapshot?.connectors);
  readonly mailboxes = $derived(this.#snapshot?.mailboxes ?? []);
  readonly messages = $derived(this.#snapshot?.messages ?? []);
  readonly forwarding = $derived(this.#snapshot?.forwarding ?? []);
  readonly provenance = $derived(this.#snapshot?.provenance ?? {});
  readonly window = $derived(this.#snapshot?.window ?? undefined);
  readonly desktop = $derived(this.#snapshot?.desktop ?? undefined);
  readonly notices = $derived(this.#snapshot?.notices ?? []);
  readonly credentials = $derived(this.#snapshot?.credentials ?? 'keyring');
  readonly systemLanguage = $derived(this.#snapshot?.system_language ?? lastLanguage());
  readonly language = $derived(this.settings.language ?? this.systemLanguage);

  readonly practice = $derived(this.accounts.find((a) => a.kind === 'practice'));
  readonly userAccounts = $derived(this.accounts.filter((a) => a.kind !== 'practice'));

  async connect(connecting: Promise<Backend>): Promise<void> {
    const early: Event[] = [];
    try {
      this.#backend = await connecting;
      const snapshot = await this.#backend.ready((event) =>
        this.#snapshot === undefined ? early.push(event) : this.#take(event),
      );
      // Its words first: nothing is to be seen in another language before.
      await useLanguage(snapshot.settings.language ?? snapshot.system_language, snapshot.settings);
      this.#snapshot = snapshot;
      // In their order, and each a whole value: what the snapshot holds already changes nothing by being told again.
      early.forEach((event) => this.#take(event));
      this.status = 'running';
    } catch (error) {
      console.warn('the window could not reach the application', error);
      this.status = 'lost';
    }
  }

  /** Sends a command. What it does arrives as events, a refusal as `command_failed`. */
  send(command: Command): void {
    this.#backend?.send(command).catch((error: unknown) => {
      console.error(`command ${command.command} did not reach the application`, error);
      refused.undelivered();
    });
  }

  /** Tells of every event from now on, just before it changes what is shown. Gives back how to end it. */
  listen(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  account(id: number): AccountView | undefined {
    return this.accounts.find((a) => a.id === id);
  }

  call(id: number): CallView | undefined {
    return this.calls.find((c) => c.id === id);
  }

  changeSettings(change: Partial<Snapshot['settings']>): void {
    this.send({ command: 'change_settings', settings: { ...this.settings, ...change } });
  }

  #take(event: Event): void {
    if (this.#snapshot === undefined) return;
    this.#listeners.forEach((listener) => listener(event));
    this.#snapshot = reduce(this.#snapshot, event);
    switch (event.event) {
      case 'level':
        this.microphoneLevel = event.microphone ?? 0;
        this.speakerLevel = event.speaker ?? 0;
        break;
      case 'command_failed':
        refused.add(event.command, event.text);
        break;
      case 'stopped':
        this.status = 'stopped';
        break;
    }
  }
}

export const phone = new Phone();
