// The stages on the way to being a customer, in their order.
import type { Stage } from '../../backend';
import { t } from '../../i18n/i18n.svelte';

export const STAGES: readonly Stage[] = ['lead', 'contacted', 'qualified', 'customer', 'lost'];

export function stageName(stage: Stage): string {
  return t(`customer.stage.${stage}`);
}
