// Keys pressed, as the combination that is kept: `Ctrl+Shift+A`. By their place on the keyboard, so that they are the
// same on an Arabic layout.

export interface Pressed {
  code: string;
  ctrlKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
  metaKey: boolean;
}

const KEY = /^(?:Key([A-Z])|Digit([0-9])|(F[0-9]{1,2})|(Space|Insert|Home|End|PageUp|PageDown|Pause|Arrow(?:Up|Down|Left|Right)|Numpad[0-9]))$/;

/** The combination; `alone` when a key would be taken from every program, `undefined` while only modifiers are held. */
export function combination(pressed: Pressed): string | 'alone' | undefined {
  const match = KEY.exec(pressed.code);
  if (match === null) return undefined;
  const key = match.slice(1).find((part) => part !== undefined) ?? '';
  if (!pressed.ctrlKey && !pressed.altKey && !pressed.metaKey && match[3] === undefined) return 'alone';
  const modifiers = [pressed.ctrlKey && 'Ctrl', pressed.altKey && 'Alt', pressed.shiftKey && 'Shift', pressed.metaKey && 'Super'];
  return [...modifiers.filter(Boolean), key].join('+');
}
