import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { browser, LIMIT, place, signIn, visitor, where } from './browser.mjs';
import { demo } from './demo.mjs';

let chromium;
let running;
before(async () => {
  [chromium, running] = await Promise.all([browser(), demo()]);
});
after(async () => {
  await Promise.all([chromium?.close(), running?.stop()]);
});

/** Waits until the only canvas in `box` has something drawn on it: pixels that are not clear. Charts are drawn anew as they please. */
async function drawn(box) {
  const mark = `drawn-${(marks += 1)}`;
  await box.evaluate((element, mark) => element.setAttribute('data-test', mark), mark);
  await box.page().waitForFunction((mark) => {
    const canvas = document.querySelector(`[data-test="${mark}"] canvas`);
    if (!canvas?.width) return false;
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let inked = 0;
    for (let at = 3; at < data.length; at += 4) if (data[at] > 0) inked += 1;
    return inked > 200;
  }, mark);
}
let marks = 0;

test('a_resource_has_a_board_of_its_own_metrics', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  await signIn(page, running, 'Victor', place('logs'));
  await page.getByRole('navigation', { name: 'Views' }).getByRole('button', { name: 'metrics' }).click();
  await page.waitForURL(/#\/metrics/);
  const cards = page.locator('.board .card');
  await cards.first().waitFor();
  assert.ok(await cards.count() >= 3);
  for (const card of await cards.all()) {
    await drawn(card);
    const values = await card.locator('.legend td').allTextContents();
    assert.ok(values.length >= 3 && values.some((value) => /\d/.test(value)), `values in ${await card.locator('h2').textContent()}`);
  }
});

test('a_view_that_cannot_be_drawn_says_so_and_the_others_go_on', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  await page.route('**/label/__name__/values?*', (route) => route.fulfill({ json: { status: 'success', data: [7] } }));
  await signIn(page, running, 'Victor', place('metrics'));
  await page.getByRole('alert').getByRole('heading', { name: 'This did not work' }).waitFor();
  await page.getByRole('alert').getByRole('button', { name: 'Try again' }).waitFor();
  await page.getByRole('navigation', { name: 'Views' }).getByRole('button', { name: 'logs' }).click();
  await page.locator('.list .row').first().waitFor();
  assert.equal(await page.getByRole('alert').count(), 0);
});

test('many_queries_of_a_link_run_when_somebody_says_so', { timeout: LIMIT }, async (t) => {
  const { page, requests } = await visitor(t, chromium, running);
  const link = place('metrics') + '&m=memory_usage_bytes'.repeat(9);
  await signIn(page, running, 'Victor', link);
  await page.getByText('The link brought 9 queries').waitFor();
  const asked = () => requests.filter((request) => request.url().includes('/query_range')).length;
  assert.equal(asked(), 0);
  await page.getByRole('button', { name: 'Run all' }).click();
  await drawn(page.locator('.card.single'));
  assert.equal(asked(), 9);
});

test('a_chart_has_lines_and_a_legend_with_their_values', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  const to = Date.now() - 120_000;
  const range = { from: String(to - 1_800_000), to: String(to) };
  await signIn(page, running, 'Victor', place('metrics', { m: 'sum by (level) (rate(http_requests_total[5m]))', ...range }));
  const chart = page.locator('.card.single');
  await drawn(chart);
  const series = chart.locator('.legend tbody tr');
  const cells = await series.first().locator('td').allTextContents();
  assert.equal(cells.length, 3, 'last, min and max');
  for (const cell of cells) assert.match(cell, /\d/);

  // Pointing at a moment shows the values there.
  const { x, y, width, height } = await chart.locator('.u-over').boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  await chart.locator('.legend thead th', { hasText: /^\d\d:\d\d/ }).waitFor();

  // The table has the same numbers as the picture.
  await chart.getByRole('button', { name: 'Table' }).click();
  await chart.getByRole('region', { name: 'Values' }).waitFor();
  assert.match(await chart.locator('.values-table tbody td').first().textContent(), /\d/);
  assert.equal(where(page).table, '1');

  // A part of the chart, by dragging.
  await chart.getByRole('button', { name: 'Lines' }).click();
  await drawn(chart);
  const over = await chart.locator('.u-over').boundingBox();
  await page.mouse.move(over.x + over.width * 0.4, over.y + 40);
  await page.mouse.down();
  await page.mouse.move(over.x + over.width * 0.6, over.y + 40, { steps: 8 });
  await page.mouse.up();
  await page.waitForURL((url) => !url.hash.includes(range.from));
  const { from, to: end } = where(page);
  const minutes = (Number(end) - Number(from)) / 60_000;
  assert.ok(minutes > 5 && minutes < 7, `20 % of half an hour are ${minutes} minutes`);
});

test('a_query_that_is_typed_is_drawn_and_is_in_the_link', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  await signIn(page, running, 'Victor', place('metrics'));
  await page.getByRole('button', { name: 'Write a query' }).click();
  const field = page.getByRole('textbox', { name: 'PromQL query A' });
  // The editor takes the place of the plain field when it is there.
  await page.locator('.field .cm-content').waitFor();
  await field.click();
  await page.keyboard.type('cpu_usage_percent');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Run' }).click();
  await page.waitForURL(/m=cpu_usage_percent/);
  await drawn(page.locator('.card.single'));
});

test('what_logql_computes_is_drawn_as_metrics_are', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  await signIn(page, running, 'Victor', place('logs', { q: 'sum by (level) (count_over_time({level=~".+"}[1m]))' }));
  await drawn(page.locator('.card.single'));
  const names = await page.locator('.legend .name').allTextContents();
  assert.ok(names.some((name) => name.includes('info')), names.join(' '));
});
