// What a person types or pastes into the dial field, made into what is dialled. Pure.

/** Invisible characters that come along when a number is copied out of a page: bidi marks, zero-width, soft hyphen. */
const INVISIBLE = /[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
/** What people put between the digits of a number. */
const SEPARATORS = /[\s().\-/\u2010-\u2015\u2212\u30fb\uff08\uff09]/g;
const SCHEME = /^(?:tel|callto|sip):(?:\/\/)?/i;

/** Arabic-Indic, Persian and full-width digits, and their signs, become the keys of a telephone. */
export function latinDigits(text: string): string {
  return text
    .replace(/[\u0660-\u0669]/g, (d) => String(d.charCodeAt(0) - 0x0660))
    .replace(/[\u06f0-\u06f9]/g, (d) => String(d.charCodeAt(0) - 0x06f0))
    .replace(/[\uff10-\uff19]/g, (d) => String(d.charCodeAt(0) - 0xff10))
    .replace(/[\u066d\uff0a\u2217]/g, '*')
    .replace(/\uff03/g, '#')
    .replace(/\uff0b/g, '+');
}

/**
 * The number or address that is dialled. Numbers lose everything but `0-9 * # +` (`+49 (30) 123-45` → `+493012345`,
 * and the trunk zero of `+49 (0)30`); addresses (`sara@pbx.example`) and names keep everything but spaces around them.
 */
export function dialled(text: string): string {
  const plain = latinDigits(text).replace(INVISIBLE, '').trim().replace(SCHEME, '');
  if (isAddress(plain)) return plain.replace(/\s+/g, '');
  const international = plain.startsWith('+') ? plain.replace(/\(0\)/, '') : plain;
  const digits = international.replace(SEPARATORS, '');
  return digits.replace(/(?!^)\+/g, '');
}

/** Whether the text is an address (or a name) and not a number: it holds an `@` or a letter. */
export function isAddress(text: string): boolean {
  return /[@\p{L}]/u.test(text);
}

/** Whether there is something to dial in it. */
export function canDial(text: string): boolean {
  const number = dialled(text);
  return isAddress(number) ? !number.startsWith('@') && !number.endsWith('@') : /[0-9*#]/.test(number);
}

/** The key of a telephone that a typed character stands for, if any. */
export function telephoneKey(character: string): string | undefined {
  const key = latinDigits(character);
  return /^[0-9*#]$/.test(key) ? key : undefined;
}

/** No name, number or label that anybody reads is longer; laying out ten kilobytes in one word takes seconds. */
const LONGEST = 200;

/** A stranger's text, cut to what can be shown. */
export function shown(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST).replace(/[\ud800-\udbff]$/, '')}…`;
}
