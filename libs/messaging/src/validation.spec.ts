import { MESSAGES, SERVICES, SUBSCRIPTIONS, type MessageType } from '@payflow/contracts';
import { Ajv } from 'ajv';
import { expect, it } from 'vitest';
import { compileSchemas, readerErrors, writerErrors } from './validation.js';

it('can compile whatever a service says and hears, and lets others work in between', async () => {
  const pauses = new Map(SERVICES.map((service) => [service, 0]));
  for (const service of SERVICES)
    await compileSchemas(service, async () => void pauses.set(service, (pauses.get(service) ?? 0) + 1));
  expect(pauses.get('monitoring')).toBe(SUBSCRIPTIONS['monitoring.payments'].types.length);
  const ledgers = Object.values(MESSAGES).filter(({ topic }) => topic.startsWith('ledger.')).length;
  expect(pauses.get('ledger')).toBe(ledgers + SUBSCRIPTIONS['ledger.commands'].types.length);
});

it.each(Object.entries(MESSAGES))('the schema of %s is one', (_, { schema }) => {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true });
  expect(ajv.validateSchema(schema), ajv.errorsText()).toBe(true);
});

it.each(Object.keys(MESSAGES) as MessageType[])('knows a wrong %s for both sides', (type) => {
  expect(writerErrors(type, 'no object')).toMatch(/must be/);
  expect(readerErrors(type, 'no object')).toMatch(/must be/);
});

it('has no schema for what is no type of ours', () => {
  expect(readerErrors('toString' as MessageType, {})).toBe('no schema');
});
