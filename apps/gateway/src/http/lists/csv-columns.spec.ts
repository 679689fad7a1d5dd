import { expect, it } from 'vitest';
import { CSV_COLUMNS } from './csv-columns.js';
import { SCHEMAS } from '../openapi/schemas.js';

const UNSHOWN = ['object'];

it.each(Object.entries(CSV_COLUMNS))('a CSV of %s leaves nothing out and makes nothing up', (name, columns) => {
  const { properties } = SCHEMAS[name] as { properties: Record<string, object> };
  const members = new Set(columns.map((column) => column.split('.')[0] as string));
  expect([...members, ...UNSHOWN].sort()).toEqual([...new Set([...Object.keys(properties), ...UNSHOWN])].sort());
  expect(new Set(columns).size).toBe(columns.length);
});
