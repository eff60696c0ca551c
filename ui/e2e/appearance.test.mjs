// What the system asks for, and a fourth language by one file. (The user's own choices: settings.test.mjs.)
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build } from 'vite';
import { open } from './browser.mjs';

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

const settings = async (page) => (await page.click('#settings'), page.click('#page-appearance'));
const root = (page, name) => page.evaluate((name) => document.documentElement.dataset[name], name);

it('contrast and motion follow the system', async () => {
  const page = await browser.page({ scenario: 'home', reducedMotion: 'no-preference' });
  expect([await root(page, 'contrast'), await root(page, 'motion')]).toEqual(['usual', 'usual']);
  const asked = await browser.page({ scenario: 'home', contrast: 'more', reducedMotion: 'reduce' });
  expect([await root(asked, 'contrast'), await root(asked, 'motion')]).toEqual(['more', 'none']);
});

it('a fourth language is one more file', async () => {
  const ui = fileURLToPath(new URL('..', import.meta.url));
  const project = join(ui, '..');
  await mkdir(join(project, 'target'), { recursive: true });
  const copy = await mkdtemp(join(project, 'target', 'fourth-language-'));
  try {
    await cp(ui, join(copy, 'ui'), { recursive: true, filter: (path) => !path.includes('/dist') });
    await cp(join(project, 'tauri.conf.json'), join(copy, 'tauri.conf.json'));
    await symlink(join(project, 'node_modules'), join(copy, 'node_modules'));
    const english = JSON.parse(await readFile(join(ui, 'src/i18n/en.json'), 'utf8'));
    const turkish = { ...english, 'language.name': 'Türkçe', 'dial.call': 'Ara' };
    // What it does not say yet is said in English.
    delete turkish['dial.placeholder'];
    await writeFile(join(copy, 'ui/src/i18n/tr.json'), JSON.stringify(turkish));
    await build({ configFile: join(copy, 'ui/vite.config.ts'), logLevel: 'warn', build: { outDir: join(copy, 'page') } });
    const fourth = await open({ folder: join(copy, 'page') });
    try {
      const page = await fourth.page({ scenario: 'home', lang: 'en' });
      await settings(page);
      await page.selectOption('#language', { label: 'Türkçe' });
      await page.waitForSelector('html[lang=tr][dir=ltr]');
      await page.click('#nav-home');
      expect(await page.getAttribute('#call', 'aria-label')).toBe('Ara');
      expect(await page.getAttribute('#dial', 'placeholder')).toBe(english['dial.placeholder']);
    } finally {
      await fourth.close();
    }
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
});
