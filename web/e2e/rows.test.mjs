import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { browser, LIMIT, place, signIn, visitor } from './browser.mjs';
import { demo } from './demo.mjs';

let chromium;
let running;
before(async () => {
  [chromium, running] = await Promise.all([browser(), demo()]);
});
after(async () => {
  await Promise.all([chromium?.close(), running?.stop()]);
});

const to = Date.now() - 60_000;
const range = { from: String(to - 2_700_000), to: String(to) };

/** Waits until each row that is drawn begins where the one before it ends; heights are those of rows that wrap, or of one that is open. */
const stacked = (page, { tall }) =>
  page.waitForFunction((tall) => {
    const boxes = [...document.querySelectorAll('.list .row')].map((row) => row.getBoundingClientRect());
    return boxes.length > 5 && boxes.some(({ height }) => height > 30) === tall
      && boxes.every(({ top }, index) => index === 0 || Math.abs(boxes[index - 1].bottom - top) < 1);
  }, tall);

test('each_row_begins_where_the_one_before_it_ends', { timeout: LIMIT }, async (t) => {
  // Narrow enough for lines to wrap, and wide enough for the order of the wide page.
  const { page } = await visitor(t, chromium, running, { viewport: { width: 640, height: 700 } });
  await signIn(page, running, 'Victor', place('logs', { ...range, wrap: '1' }));
  await stacked(page, { tall: true });

  const wrap = page.getByRole('button', { name: 'Wrap' });
  await wrap.click();
  await stacked(page, { tall: false });
  await wrap.click();
  await stacked(page, { tall: true });

  await page.setViewportSize({ width: 520, height: 900 });
  await stacked(page, { tall: true });
  await page.locator('.list').evaluate((list) => list.scrollTo(0, 4000));
  await page.waitForFunction(() => Number(document.querySelector('.list .row').dataset.row) > 10);
  await stacked(page, { tall: true });
});

test('a_row_that_is_open_leaves_the_others_their_place_when_the_window_changes', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  await signIn(page, running, 'Victor', place('logs', range));
  await page.locator('.list .row').first().getByRole('button', { name: /^Details of the line/ }).click();
  await page.getByRole('button', { name: 'Lines around it' }).waitFor();
  await stacked(page, { tall: true });
  for (const size of [{ width: 900, height: 600 }, { width: 1280, height: 800 }]) {
    await page.setViewportSize(size);
    await stacked(page, { tall: true });
  }
});

test('on_a_telephone_lines_wrap_and_say_their_level', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running, { viewport: { width: 360, height: 740 } });
  await signIn(page, running, 'Victor', place('logs', { ...range, q: '{level="error"}' }));
  await stacked(page, { tall: true });
  // Its first letter has room, and the word is there for who listens.
  const level = page.locator('.list .row .severity').first();
  assert.equal(await level.textContent(), 'error');
  const { width } = await level.boundingBox();
  assert.ok(width > 5 && width < 12, `${width} pixels`);
  // The first line is on the first screen.
  const { y } = await page.locator('.list .row').first().boundingBox();
  assert.ok(y < 480, `the first line is at ${y}`);
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('button', { name: 'Wrap' }).click();
  await page.waitForURL(/wrap=0/);
  await stacked(page, { tall: false });
});

test('lines_around_one_are_of_all_levels_of_its_stream', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  await signIn(page, running, 'Victor', place('logs', { ...range, q: '{level="error"}' }));
  await page.locator('.list .row').first().getByRole('button', { name: /^Details of the line/ }).click();
  await page.getByRole('button', { name: 'Lines around it' }).click();
  const around = page.getByRole('dialog', { name: 'Lines around this one' });
  await around.locator('li[aria-current]').waitFor();
  const levels = await around.locator('li .severity').allTextContents();
  assert.ok(levels.includes('error') && levels.includes('info'), levels.join(' '));
});

test('what_stands_under_the_pointer_is_told_of_that_bar', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  const begin = Math.floor(to / 600_000) * 600_000 - 2_400_000;
  await signIn(page, running, 'Victor', place('logs', { from: String(begin), to: String(begin + 1_800_000), zone: 'utc' }));
  const chart = page.locator('.histogram .u-over');
  await chart.waitFor();
  const { x, y, width, height } = await chart.boundingBox();
  // Each by one event alone: what is told is of where the pointer is, not of where it was.
  for (const part of [0.9, 0.5, 0.1]) {
    await page.mouse.move(x + width * part, y + height / 2);
    const tip = page.locator('.histogram .tip:not([hidden])');
    await tip.waitFor();
    const told = Date.parse(`${(await tip.textContent()).slice(0, 19).replace(' ', 'T')}Z`);
    const meant = begin + part * 1_800_000;
    assert.ok(told <= meant + 1000 && meant - told < 60_000, `${new Date(told).toISOString()} is told at ${new Date(meant).toISOString()}`);
  }
});

test('what_one_chooses_takes_the_focus_to_the_view', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  const focused = (text) => page.waitForFunction((text) => document.activeElement?.tagName === 'H1' && document.activeElement.textContent.includes(text), text);
  await signIn(page, running, 'Victor');
  await page.getByRole('combobox').fill('shop a');
  await page.getByRole('option', { selected: true }).filter({ hasText: 'shop-api' }).waitFor();
  await page.keyboard.press('Enter');
  await focused('Logs of shop-api');
  await page.keyboard.press('Control+k');
  await page.getByRole('dialog').getByRole('combobox').fill('shop-db');
  await page.keyboard.press('Enter');
  await focused('Logs of shop-db');
  await page.locator('.list .row').first().getByRole('button', { name: /^Details of the line/ }).click();
  await page.locator('.details button.value').first().click();
  await page.waitForURL(/q=/);
  await focused('Logs of shop-db');
});

test('words_that_are_no_query_are_offered_as_what_they_mean', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running, { refused: 400 });
  await signIn(page, running, 'Victor', place('logs', { ...range, q: 'checkout' }));
  await page.getByText('Did you mean |= "checkout"?').waitFor();
  await page.getByRole('button', { name: 'Look for it' }).click();
  await page.waitForURL((url) => new URLSearchParams(url.hash.split('?')[1]).get('q') === '|= "checkout"');
  await page.locator('.list .row').first().waitFor();
});

test('a_query_is_in_the_history_once_it_was_answered', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running, { refused: 400 });
  await signIn(page, running, 'Victor', place('logs', { ...range, q: '{level=}' }));
  await page.getByRole('heading', { name: 'The query cannot be answered' }).waitFor();
  // What is wrong is said once.
  const said = await page.locator('.field .mistake').textContent();
  assert.equal(await page.getByText(said, { exact: true }).count(), 1);
  await page.evaluate(() => (location.hash = location.hash.replace('%7Blevel%3D%7D', '%7Blevel%3D%22info%22%7D')));
  await page.locator('.list .row').first().waitFor();
  await page.getByRole('button', { name: 'History' }).click();
  assert.deepEqual(await page.locator('.past code').allTextContents(), ['{level="info"}']);
});

test('a_typed_time_is_of_the_zone_and_one_that_is_none_is_marked', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running, { timezoneId: 'Asia/Tokyo' });
  await signIn(page, running, 'Victor', place('logs', range));
  await page.locator('.range .popup > button').click();
  const [from, until] = [page.getByRole('textbox', { name: 'From' }), page.getByRole('textbox', { name: 'To' })];
  await from.fill('yesterday');
  assert.equal(await from.getAttribute('aria-invalid'), 'true');
  assert.equal(await until.getAttribute('aria-invalid'), 'false');
  await page.getByText('Not understood as a time.').waitFor();
  await from.fill('2026-01-31');
  await until.fill('2026-01-31 12:00');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.waitForURL(`**from=${Date.UTC(2026, 0, 30, 15)}&to=${Date.UTC(2026, 0, 31, 3)}*`);
});
