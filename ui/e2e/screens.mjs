// Screenshots of every screen on the fake backend: `npm run ui:screens -- FOLDER [FILTER]`.
import { mkdir } from 'node:fs/promises';
import { open } from './browser.mjs';
import { SCREENS } from './screens-list.mjs';

const [folder = 'ui-screens', filter = ''] = process.argv.slice(2);
const LANGUAGES = ['en', 'ar', 'fa'];
const THEMES = ['light', 'dark'];
const SIZES = [
  [320, 640],
  [420, 720],
  [1100, 760],
];

await mkdir(folder, { recursive: true });
const window = await open();
let taken = 0;
for (const screen of SCREENS) {
  for (const lang of LANGUAGES) {
    for (const theme of THEMES) {
      for (const [width, height] of SIZES) {
        const name = `${screen.name}.${lang}.${theme}.${width}`;
        if (!new RegExp(filter).test(name)) continue;
        const page = await window.page({ scenario: screen.scenario, lang, theme, width, height });
        await screen.act?.(page);
        await page.screenshot({ path: `${folder}/${name}.png` });
        taken += 1;
      }
    }
  }
}
for (const lang of LANGUAGES) {
  for (const look of ['theme=light', 'theme=dark', 'theme=light&contrast=more', 'theme=dark&contrast=more']) {
    const name = `gallery.${lang}.${look.replaceAll(/theme=|contrast=/g, '').replace('&', '-')}`;
    if (!new RegExp(filter).test(name)) continue;
    await (await window.gallery(`lang=${lang}&${look}`)).screenshot({ path: `${folder}/${name}.png` });
    taken += 1;
  }
}
await window.close();
console.log(`${taken} screenshots in ${folder}`);
