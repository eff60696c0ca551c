// The page as it is now, built into a folder of its own: nobody else's build changes it under a running test.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

export const configFile = fileURLToPath(new URL('../vite.config.ts', import.meta.url));

/** Builds the page, and that of the components (`gallery/`); answers its folder, and how to remove it. */
export async function site() {
  const folder = await mkdtemp(join(tmpdir(), 'hatif-page-'));
  const input = ['index.html', 'gallery/index.html'].map((page) => fileURLToPath(new URL(`../${page}`, import.meta.url)));
  await build({ configFile, logLevel: 'warn', build: { outDir: folder, emptyOutDir: true, rolldownOptions: { input } } });
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Once for all test files. */
export default async function setup() {
  const { folder, remove } = await site();
  process.env.HATIF_PAGE = folder;
  return remove;
}
