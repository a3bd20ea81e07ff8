import { expect, it } from 'vitest';
import { paint } from '../src/editor/paint';

it.each([
  ['logql', 'sum by (level) (rate({level="é", resource_id="shop-api"} | json [5m])) # why', ['function', 'keyword', 'label', 'string', 'number', 'comment']],
  ['promql', 'sum by (route) (rate(x{resource_id="shop-api"}[5m]))\n/ 2', ['function', 'keyword', 'label', 'string', 'number']],
] as const)('%s has its colours and all of its text', (language, text, classes) => {
  const pieces = paint(language, text);
  expect(pieces.map(({ text }) => text).join('')).toBe(text);
  expect([...new Set(pieces.map((piece) => piece.class))]).toEqual(expect.arrayContaining(classes.map((name) => `q-${name}`)));
});

it('what is no query keeps its text', () => {
  expect(paint('promql', ') {').map(({ text }) => text).join('')).toBe(') {');
});
