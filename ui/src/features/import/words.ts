// The names of what a file of customers can hold.
import type { Column, Encoding, Separator } from '../../backend';
import { t } from '../../i18n/i18n.svelte';

const COLUMNS: readonly Column[] = ['nothing', 'name', 'given', 'family', 'company', 'number', 'email', 'reference', 'stage', 'owner', 'tags', 'notes'];
const ENCODINGS: readonly Encoding[] = ['utf8', 'utf16_le', 'utf16_be', 'windows1252', 'windows1256'];
const SEPARATORS: readonly Separator[] = ['comma', 'semicolon', 'tab'];

export const columns = () => COLUMNS.map((value) => ({ value, label: t(`import.column.${value}`) }));
export const encodings = () => ENCODINGS.map((value) => ({ value, label: t(`import.encoding.${value}`) }));
export const separators = () => SEPARATORS.map((value) => ({ value, label: t(`import.separator.${value}`) }));
