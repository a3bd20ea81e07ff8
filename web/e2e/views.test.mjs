// Every view, in both themes, wide and as narrow as a telephone: axe-core finds nothing serious, and nothing
// is wider than the screen. SCREENSHOTS names a directory into which each is photographed as well.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { browser, LIMIT, place, signIn, visitor } from './browser.mjs';
import { demo } from './demo.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SCREENSHOTS = process.env.SCREENSHOTS;
if (SCREENSHOTS) mkdirSync(SCREENSHOTS, { recursive: true });

let chromium;
let running;
before(async () => {
  [chromium, running] = await Promise.all([browser(), demo()]);
});
after(async () => {
  await Promise.all([chromium?.close(), running?.stop()]);
});

/** A time that is over, so that what is shown stays as it is. */
const to = Date.now() - 60_000;
const range = { from: String(to - 2_700_000), to: String(to), zone: 'utc' };
const rows = (page) => page.locator('.list .row').first();
const charts = async (page, count) => {
  await page.locator('.legend td').nth(count - 1).waitFor();
  await page.waitForLoadState('networkidle');
};
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();

/** Shows what is behind a button where the page is narrow. */
const unfold = async (page) => {
  if (page.viewportSize().width <= 620) await press(page, 'More');
};

/** Who looks at what, and when it is there. */
const VIEWS = {
  door: { see: (page) => page.getByText('who are you?').waitFor() },
  choice: { who: 'Victor', at: '#/', see: (page) => page.getByRole('option').first().waitFor() },
  logs: { who: 'Victor', at: place('logs', range), see: async (page) => {
    await rows(page).waitFor();
    await page.locator('.histogram canvas').waitFor();
    await page.locator('.field .cm-content').waitFor();
  } },
  details: { who: 'Victor', at: place('logs', { ...range, q: '{level="error"}' }), see: async (page) => {
    await rows(page).locator('button.open').click();
    await page.locator('.details').waitFor();
  } },
  around: { who: 'Victor', at: place('logs', { ...range, q: '{level="error"}', wrap: '1' }), see: async (page) => {
    await rows(page).locator('button.open').click();
    await press(page, 'Lines around it');
    await page.locator('dialog.context li').first().waitFor();
  } },
  seen: { who: 'Victor', at: place('logs', { ...range, q: '{level="error"} |= "checkout"' }), see: async (page) => {
    await rows(page).waitFor();
    await unfold(page);
    await press(page, 'What the backend sees');
    await page.locator('.seen').getByText('resource_id="shop-api"}').waitFor();
  } },
  range: { who: 'Victor', at: place('logs', range), see: async (page) => {
    await rows(page).waitFor();
    await page.locator('.range .popup > button').click();
    await page.locator('.ranges').waitFor();
  } },
  account: { who: 'Victor', at: place('logs', range), see: async (page) => {
    await rows(page).waitFor();
    await page.getByRole('button', { name: 'Account of Victor' }).click();
    await page.getByText('Sign out').waitFor();
  } },
  picker: { who: 'Victor', at: place('logs', range), see: async (page) => {
    await rows(page).waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').getByRole('option').first().waitFor();
  } },
  live: { who: 'Victor', at: place('logs', { live: '1' }), see: (page) => rows(page).waitFor() },
  mistake: { who: 'Victor', refused: 400, at: place('logs', { ...range, q: '{level=}' }), see: (page) => page.getByRole('alert').waitFor() },
  nothing: { who: 'Victor', at: place('logs', { ...range, q: '|= "there is no such line"' }), see: (page) => page.getByRole('heading', { name: 'No lines' }).waitFor() },
  computed: { who: 'Victor', at: place('logs', { ...range, q: 'sum by (level) (count_over_time({level=~".+"}[1m]))' }), see: (page) => charts(page, 3) },
  metrics: { who: 'Victor', at: place('metrics', range), see: (page) => charts(page, 12) },
  queries: { who: 'Victor', at: place('metrics', { ...range, m: 'sum by (method) (rate(http_requests_total[5m]))' }), see: (page) => charts(page, 3) },
  table: { who: 'Victor', at: place('metrics', { ...range, m: 'cpu_usage_percent', table: '1' }), see: (page) => page.locator('.values-table td').first().waitFor() },
  why: { who: 'Victor', at: place('access'), see: (page) => page.getByText('because of a role').waitFor() },
  access: { who: 'Alice', at: place('access'), see: (page) => page.getByRole('table').waitFor() },
  withdraw: { who: 'Alice', at: place('access'), see: async (page) => {
    await page.getByRole('table').getByRole('button', { name: /^Withdraw/ }).first().click();
    await page.getByRole('dialog').waitFor();
  } },
  refused: { who: 'Mallory', refused: 403, at: place('logs', range), see: (page) => page.getByRole('alert').waitFor() },
  norole: { who: 'Mallory', at: '#/', see: (page) => page.getByRole('heading', { name: 'Nothing to see yet' }).waitFor() },
};

/** What axe-core finds that is serious. It is put in by the debugger, which the page's policy does not bind, so that the policy stays as it is. */
async function serious(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} at ${target.flat().join(' ')}: ${failureSummary.split('\n')[1]?.trim()}`));
}

for (const colorScheme of ['light', 'dark']) {
  for (const width of [1280, 360]) {
    for (const [name, { who, at = '', refused, see }] of Object.entries(VIEWS)) {
      test(`${name}_is_accessible_in_${colorScheme}_at_${width}`, { timeout: LIMIT }, async (t) => {
        const viewport = { width, height: width === 360 ? 740 : 800 };
        const { page } = await visitor(t, chromium, running, { refused, colorScheme, viewport });
        if (who) await signIn(page, running, who, at);
        else await page.goto(running.page + at);
        await see(page);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `${name}-${colorScheme}-${width}.png`) });
        assert.deepEqual(await serious(page), []);
        assert.ok(wide <= width, `the page is ${wide} wide`);
        const main = await page.evaluate(() => [document.querySelector('main')].map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)[0]);
        assert.ok(main <= 0, `the view is ${main} wider than its place`);
        for (const panel of await page.locator('.popup > .panel, dialog[open]').all()) {
          const box = await panel.boundingBox();
          assert.ok(box.x >= 0 && box.x + box.width <= width, `a panel is from ${box.x} to ${box.x + box.width}`);
        }
      });
    }
  }
}
