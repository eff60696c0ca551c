// Which page of the settings is shown. A narrow window shows the list of pages or one of them, a wide one both.
import { tick } from 'svelte';
import { screen } from '../../state/screen.svelte';

/** A new page has its name here and a row in pages.ts. */
export type PageName = 'accounts' | 'sound' | 'recording' | 'wrap_up' | 'connectors' | 'appearance' | 'desktop' | 'shortcuts' | 'carry' | 'diagnostics' | 'about';

class At {
  #chosen = $state<PageName>();

  /** None: the list of pages. */
  readonly page = $derived(this.#chosen ?? (screen.wide ? 'accounts' : undefined));

  /** Shows a page, from wherever one is. `control`: the id of what gets the focus (or of what is around it), instead of the heading. */
  open(page: PageName, control?: string): void {
    this.#chosen = page;
    screen.show('settings');
    void focus(control ?? 'settings-heading');
  }

  /** Back to the list of pages; the focus stays on the one that was shown. */
  leave(): void {
    const left = this.#chosen;
    this.#chosen = undefined;
    void focus(`page-${left}`);
  }
}

async function focus(id: string): Promise<void> {
  await tick();
  const found = document.getElementById(id);
  const CONTROL = ':is(input, select, button, [tabindex])';
  const element = found?.matches(CONTROL) ? found : (found?.querySelector<HTMLElement>('input:checked') ?? found?.querySelector<HTMLElement>(CONTROL));
  element?.focus();
  found?.scrollIntoView({ block: 'nearest' });
}

export const at = new At();
