// Every screen in every state: accessible (axe: WCAG 2.2 A and AA), inside the window, and silent towards the network.
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from './browser.mjs';
import { SCREENS } from './screens-list.mjs';

const VIEWS = [
  { lang: 'en', theme: 'light', width: 420, height: 720 },
  { lang: 'ar', theme: 'dark', width: 320, height: 640 },
  { lang: 'fa', theme: 'light', width: 1100, height: 760 },
];
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

let browser;
beforeAll(async () => {
  browser = await open();
});
afterAll(() => browser.close());

/** What stands out of the window sideways, and what is pressed and too small: 32 px, as the design has it. */
function misfits() {
  const found = [];
  for (const scroller of document.querySelectorAll('html, .scroll, .front, .welcome, .incoming, dialog, nav')) {
    if (scroller.scrollWidth > scroller.clientWidth + 1) found.push(`${scroller.className || 'page'} scrolls sideways`);
  }
  for (const element of document.querySelectorAll('button, select, input:not([type=checkbox], [type=radio]), summary')) {
    const box = element.getBoundingClientRect();
    if (box.width > 0 && (box.height < 31.5 || box.width < 31.5)) {
      found.push(`${element.outerHTML.slice(0, 80)} is ${Math.round(box.width)} x ${Math.round(box.height)}`);
    }
  }
  return found;
}

describe.each(VIEWS)('in $lang, $theme, $width px', (view) => {
  it.each(SCREENS)('$name', async ({ scenario, act }) => {
    const page = await browser.page({ scenario, ...view });
    await act?.(page);
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate((tags) => globalThis.axe.run({ runOnly: tags }), TAGS);
    const broken = violations.map(({ id, nodes }) => `${id}: ${nodes.map((n) => `${n.html.slice(0, 120)} ${n.failureSummary}`).join('\n  ')}`);
    expect(broken).toEqual([]);
    expect(await page.evaluate(misfits)).toEqual([]);
    expect(page.complaints).toEqual([]);
  });
});

describe.each(['lang=en&theme=light', 'lang=ar&theme=dark', 'lang=fa&theme=light&contrast=more', 'lang=ar&theme=dark&contrast=more'])('the components, %s', (query) => {
  it('are accessible, and their picture is kept', async () => {
    const page = await browser.gallery(query);
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate((tags) => globalThis.axe.run({ runOnly: tags }), TAGS);
    // The same parts stand there twice.
    expect(violations.filter(({ id }) => id !== 'duplicate-id-aria').map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 120)}`)).toEqual([]);
    const folder = fileURLToPath(new URL('../../target/ui-gallery', import.meta.url));
    const picture = await page.screenshot({ path: `${folder}/${query.replaceAll(/[^a-z]+/g, '-')}.png` });
    expect(picture.length).toBeGreaterThan(10_000);
    expect(page.complaints).toEqual([]);
  });
});

it.each([[1100, 760], [420, 720]])('the figures of a call, opened at %i x %i, hide none of its controls', async (width, height) => {
  const page = await browser.page({ scenario: 'desk', lang: 'ar', width, height });
  await page.click('.quality summary');
  const box = async (selector) => page.locator(selector).first().boundingBox();
  const hangUp = await box('#hang-up');
  for (const id of ['#mute', '#hold', '#transfer', '#help']) {
    const { y, height: high } = await box(id);
    expect(y, id).toBeGreaterThanOrEqual(0);
    expect(y + high, id).toBeLessThanOrEqual(hangUp.y);
  }
  expect(hangUp.y + hangUp.height).toBeLessThanOrEqual(height);
});

it('runs under the policy of the window, which allows nothing inline', async () => {
  const page = await browser.page({ scenario: 'home' });
  const policy = (await page.request.get(page.url())).headers()['content-security-policy'];
  expect(policy).toContain("default-src 'self'");
  expect(policy).not.toContain('unsafe');
  await page.evaluate(() => document.body.insertAdjacentHTML('beforeend', '<p id="inline" style="color: rgb(1, 2, 3)">x</p>'));
  expect(await page.evaluate(() => getComputedStyle(document.querySelector('#inline')).color)).not.toBe('rgb(1, 2, 3)');
});

it('Persian at twice the size of text, in 320 px', async () => {
  const large = await open({ textSize: 32 });
  const names = ['first-run', 'home', 'active', 'incoming-second', 'several', 'ended-failed', 'settings', 'settings-accounts', 'settings-sound-speaker', 'diagnostics-call', 'diagnostics-check-home-offline', 'headset-recording'];
  for (const { name, scenario, act } of SCREENS.filter((screen) => names.includes(screen.name))) {
    const page = await large.page({ scenario, lang: 'fa', width: 320, height: 640 });
    await act?.(page);
    expect(await page.evaluate(() => getComputedStyle(document.documentElement).fontSize)).toBe('32px');
    expect(await page.evaluate(misfits), name).toEqual([]);
  }
  await large.close();
});
