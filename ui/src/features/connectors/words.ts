// The names of a connector's fields, and of what it sends.
import type { FieldView, OutgoingView } from '../../backend';
import { t, type Key } from '../../i18n/i18n.svelte';
import { shown } from '../../state/number';

const FIELDS: Record<string, Key> = {
  base: 'connector.field.base', user: 'connector.field.user', password: 'connector.field.password', token: 'connector.field.token',
  key: 'connector.field.key',
};
const ACTIONS: Record<string, Key> = {
  log_call: 'connector.action.log_call', create_contact: 'connector.action.create_contact', create_ticket: 'connector.action.create_ticket',
  update_ticket: 'connector.action.update_ticket', webhook: 'connector.action.webhook',
};

export function fieldName(field: FieldView): string {
  const key = FIELDS[field.name];
  return field.label !== null ? shown(field.label) : key ? t(key) : field.name;
}

export function actionName(item: OutgoingView): string {
  const key = ACTIONS[item.action];
  return key ? t(key) : item.action;
}
