import { MESSAGES, type MessageType } from '@payflow/contracts';
import { expect, it } from 'vitest';
import { compileSchemas, readerErrors, writerErrors } from './validation.js';

it('can compile every schema, and lets others work in between', async () => {
  let pauses = 0;
  await compileSchemas(async () => void pauses++);
  expect(pauses).toBe(Object.keys(MESSAGES).length);
});

it.each(Object.keys(MESSAGES) as MessageType[])('knows a wrong %s for both sides', (type) => {
  expect(writerErrors(type, 'no object')).toMatch(/must be/);
  expect(readerErrors(type, 'no object')).toMatch(/must be/);
});

it('has no schema for what is no type of ours', () => {
  expect(readerErrors('toString' as MessageType, {})).toBe('no schema');
});
