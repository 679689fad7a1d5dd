import { defineConfiguration, readConfiguration } from '@payflow/service';
import { expect, it } from 'vitest';
import { providerFields, providerRules } from './providers.config.js';

const S = 1_000;
const MINUTE = 60 * S;
const HOUR = 60 * MINUTE;
const read = (env: NodeJS.ProcessEnv) =>
  readConfiguration(defineConfiguration('spec', providerFields, providerRules), env);

it('asks how an attempt ended after 5 s, 30 s, 5 min, 1 h and then each 6 h, for 7 days, where nothing else is said', () => {
  expect(read({})).toEqual({
    PROVIDER_INQUIRY_DELAYS: [5 * S, 30 * S, 5 * MINUTE, HOUR, 6 * HOUR],
    PROVIDER_INQUIRY_UNTIL: 7 * 24 * HOUR,
  });
});

it('does not start where nobody would be asked the last time before it is over', () => {
  expect(() => read({ PROVIDER_INQUIRY_UNTIL: '6h' })).toThrow(/must be longer than the last/);
  expect(read({ PROVIDER_INQUIRY_UNTIL: '7h' })).toMatchObject({ PROVIDER_INQUIRY_UNTIL: 7 * HOUR });
});
