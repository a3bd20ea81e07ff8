import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { browser, LIMIT, lines, place, signIn, visitor, where } from './browser.mjs';
import { demo } from './demo.mjs';

let chromium;
let running;
before(async () => {
  [chromium, running] = await Promise.all([browser(), demo()]);
});
after(async () => {
  await Promise.all([chromium?.close(), running?.stop()]);
});

const rows = (page) => page.locator('.list .row');

test('victor_signs_in_and_picks_a_resource_by_typing', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  await signIn(page, running, 'Victor');
  const search = page.getByRole('combobox', { name: /search/i });
  await search.fill('shop a');
  const chosen = page.getByRole('option', { selected: true });
  await chosen.filter({ hasText: 'shop-api' }).waitFor();
  await search.press('Enter');
  await rows(page).first().waitFor();
  const { view, project, resource } = where(page);
  assert.deepEqual({ view, project, resource }, { view: 'logs', project: 'acme-shop', resource: 'shop-api' });
  // Another one, by keys alone; of what victor may not read there is nothing to find.
  await page.keyboard.press('Control+k');
  const again = page.getByRole('dialog').getByRole('combobox');
  await again.fill('globex');
  await page.getByText('Nothing matches.').waitFor();
  await again.fill('shop');
  await page.getByRole('dialog').getByRole('option').nth(1).waitFor();
  await again.press('ArrowDown');
  await again.press('Enter');
  await page.waitForURL(/resource=shop-db/);
  await rows(page).first().waitFor();
});

test('a_click_on_a_field_shows_lines_of_that_value_alone', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  await signIn(page, running, 'Victor', place('logs'));
  await rows(page).first().waitFor();
  await rows(page).first().locator('button.open').click();
  const level = page.locator('.details dl > div').filter({ has: page.locator('dt', { hasText: /^level$/ }) }).first();
  const value = await level.locator('button.value').textContent();
  await level.locator('button.value').click();
  await page.waitForURL((url) => url.hash.includes('q='));
  assert.equal(where(page).q, `{level="${value}"}`);
  await page.waitForFunction((value) => {
    const drawn = [...document.querySelectorAll('.list .row .severity')];
    return drawn.length > 0 && drawn.every((each) => each.textContent === value);
  }, value);
  await page.goBack();
  await page.waitForURL((url) => !url.hash.includes('q='));
});

test('dragging_over_the_histogram_zooms_and_back_returns', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  await signIn(page, running, 'Victor', place('logs'));
  const chart = page.locator('.histogram .u-over');
  await chart.waitFor();
  await rows(page).first().waitFor();
  const { x, y, width, height } = await chart.boundingBox();
  await page.mouse.move(x + width * 0.3, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + width * 0.6, y + height / 2, { steps: 8 });
  await page.mouse.up();
  await page.waitForURL(/from=\d+/);
  const { from, to } = where(page);
  const minutes = (Number(to) - Number(from)) / 60_000;
  assert.ok(minutes > 15 && minutes < 21, `30 % of an hour are ${minutes} minutes`);
  await page.waitForFunction(([from, to]) => {
    const drawn = [...document.querySelectorAll('.list .row time')].map((each) => Date.parse(each.dateTime));
    return drawn.length > 0 && drawn.every((at) => at >= from && at <= to);
  }, [Number(from), Number(to)]);
  await page.goBack();
  await page.waitForURL((url) => !url.hash.includes('from='));
});

test('a_line_that_is_logged_later_arrives_in_the_live_tail', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  await signIn(page, running, 'Victor', place('logs'));
  const opened = page.waitForResponse((response) => response.url().includes('/logs/tail') && response.ok());
  await page.getByRole('button', { name: 'Live', exact: true }).click();
  await opened;
  await page.locator('.live', { hasText: 'Live' }).waitFor();
  await running.log('msg="the kettle is on" order=1');
  await rows(page).filter({ hasText: 'the kettle is on' }).waitFor();

  // While it is paused nothing moves, and what came meanwhile is said.
  await page.getByRole('button', { name: 'Pause' }).click();
  await running.log('msg="the tea is ready" order=2');
  await page.getByRole('button', { name: /^\d+ new$/ }).waitFor();
  assert.equal(await rows(page).filter({ hasText: 'the tea is ready' }).count(), 0);
  // It may be that what came first was another line; sooner or later this one comes, too.
  await page.getByRole('button', { name: 'Go on' }).click();
  await rows(page).filter({ hasText: 'the tea is ready' }).waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.waitForURL((url) => !url.hash.includes('live=1'));
});

test('what_the_backend_sees_names_the_tenant_and_the_matcher', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  await signIn(page, running, 'Victor', place('logs', { q: '{level="error"} |= "order"' }));
  await page.getByRole('button', { name: 'What the backend sees' }).click();
  const seen = page.locator('.seen');
  await seen.getByText('{level="error", resource_id="shop-api"}').waitFor();
  assert.match(await seen.locator('dd').first().textContent(), /^acme-shop/);
  // As a script is told.
  const query = new URLSearchParams({ query: '{level="error"} |= "order"' });
  const answer = await running.api('victor', `projects/acme-shop/resources/shop-api/logs/scope?${query}`);
  const { data } = await answer.json();
  assert.deepEqual(await seen.locator('dd > code').allTextContents(), [data.tenant, data.query]);
});

test('a_query_that_is_wrong_is_answered_in_words', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running, { refused: 400 });
  await signIn(page, running, 'Victor', place('logs', { q: '{level=}' }));
  const problem = page.getByRole('alert');
  await problem.getByText('The query cannot be answered').waitFor();
  assert.equal(await rows(page).count(), 0);
});

test('lines_are_taken_away_as_a_file', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  const to = Date.now() - 600_000;
  await signIn(page, running, 'Victor', place('logs', { from: String(to - 300_000), to: String(to) }));
  await rows(page).first().waitFor();
  const [first] = await lines(page);
  for (const [format, ending] of [['Text', 'txt'], ['JSON', 'json'], ['CSV', 'csv']]) {
    await page.getByRole('button', { name: 'Download' }).click();
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: format, exact: true }).click();
    const file = await saved;
    assert.match(file.suggestedFilename(), new RegExp(`^acme-shop_shop-api_\\d{8}T\\d{6}Z_\\d{8}T\\d{6}Z\\.${ending}$`));
    const text = readFileSync(await file.path(), 'utf8');
    const expected = { txt: first, json: JSON.stringify(first).slice(1, -1), csv: first.replaceAll('"', '""') }[ending];
    assert.ok(text.includes(expected), `${ending} holds the first line`);
  }
});
