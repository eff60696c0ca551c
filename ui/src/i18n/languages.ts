// The catalogues as the page takes them, one file a language: what one does not say yet it says in English, so that a
// single file is all that a language in use needs; `xx.json?language` is the little that is to be known of all of them.
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Plugin } from 'vite';

type Catalogue = Record<string, string>;

const FORMS = ['zero', 'one', 'two', 'few', 'many', 'other'];

/** `catalogue` with the sentences of `english` that it has in no form. */
export function filled(catalogue: Catalogue, english: Catalogue): Catalogue {
  const said = (key: string) => {
    const form = FORMS.find((form) => key.endsWith(`.${form}`));
    const base = form && key.slice(0, -form.length - 1);
    return key in catalogue || (base !== undefined && (base in catalogue || FORMS.some((form) => `${base}.${form}` in catalogue)));
  };
  return { ...Object.fromEntries(Object.entries(english).filter(([key]) => !said(key))), ...catalogue };
}

export function languages(): Plugin {
  return {
    name: 'hatif-languages',
    enforce: 'pre',
    async load(id) {
      const [, path, code, about] = /^(.*\/i18n\/(\w+)\.json)(\?language)?$/.exec(id) ?? [];
      if (path === undefined || code === undefined) return;
      const read = async (path: string): Promise<Catalogue> => JSON.parse(await readFile(path, 'utf8'));
      const catalogue = await read(path);
      if (about) return `export default ${JSON.stringify({ code, name: catalogue['language.name'] ?? code })}`;
      return JSON.stringify(filled(catalogue, await read(join(dirname(path), 'en.json'))));
    },
  };
}
