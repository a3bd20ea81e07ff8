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

test('a_viewer_learns_why_they_see_a_resource_and_not_who_else_does', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  await signIn(page, running, 'Victor', place('access'));
  await page.getByText(/because of a role that you hold on the project acme-shop/).waitFor();
  await page.getByText('Who else may is shown to those who manage access here.').waitFor();
  assert.equal(await page.getByRole('table').count(), 0);
});

test('an_owner_gives_a_role_and_takes_it_back', { timeout: LIMIT }, async (t) => {
  const { page } = await visitor(t, chromium, running);
  await signIn(page, running, 'Alice', place('access'));
  const table = page.getByRole('table');
  await table.getByText('inherited').first().waitFor();
  await page.getByLabel('To', { exact: true }).fill('demo|mallory');
  await page.getByRole('button', { name: 'Give', exact: true }).click();
  await page.getByText(/is now Viewer of the project acme-shop/).waitFor();
  const row = table.getByRole('row').filter({ hasText: /mallory/i });
  await row.waitFor();

  // It is in force: mallory sees lines now.
  const other = await visitor(t, chromium, running, { refused: 403 });
  await signIn(other.page, running, 'Mallory', place('logs'));
  await other.page.locator('.list .row').first().waitFor();

  await row.getByRole('button', { name: /^Withdraw/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click();
  await page.getByText(/is no longer Viewer/).waitFor();
  await row.waitFor({ state: 'detached' });
  await other.page.getByRole('button', { name: 'Run' }).click();
  await other.page.getByRole('heading', { name: 'You may not read this' }).waitFor();
  assert.equal(await other.page.locator('.list .row').count(), 0);
});
