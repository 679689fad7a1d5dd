import { SERVICES } from '@payflow/contracts';
import { CheckResults, type TallyReport } from '@payflow/invariants';
import { configureLogging } from '@payflow/telemetry';
import { until } from '@payflow/testing';
import { beforeEach, expect, it } from 'vitest';
import { Picture } from './picture.js';
import { Sampler, type SamplerParts } from './sampler.js';
import type { Readable } from './self-reader.js';

beforeEach(() => configureLogging({ level: 'silent' }));

const never = new Promise<never>(() => undefined);

/** A service that is ready, and answers what is compared at its leisure. */
function ready(service: Readable['service'], tallies: () => Promise<TallyReport>): Readable {
  return {
    service,
    readiness: async () => ({ status: 'ready', reasons: [] }),
    positions: async () => [],
    invariants: async () => [],
    metrics: async () => '',
    statements: async () => [],
    databaseReport: () => never,
    tallies,
  };
}

it('looks at everything on time, however long it takes to compare, and compares once at a time', async () => {
  const picture = new Picture();
  const asked: string[] = [];
  const slow = (what: string) => () => {
    asked.push(what);
    return never;
  };
  const parts: SamplerParts = {
    readers: SERVICES.map((service) => ready(service, slow(`tallies of ${service}`))),
    messaging: { admin: () => Promise.reject(new Error('no broker here')) },
    results: new CheckResults(['I11', 'I21']),
    acknowledged: { look: slow('acknowledged') },
  };
  let rounds = 0;
  const sampler = new Sampler(parts, picture, async () => void (rounds += 1));
  for (let round = 0; round < 9; round++) await sampler.round();
  expect(rounds).toBe(9);
  expect([...picture.services.values()].map(({ readiness }) => readiness?.value.status)).toEqual(
    SERVICES.map(() => 'ready'),
  );
  expect(asked.toSorted()).toEqual(['acknowledged', ...SERVICES.map((service) => `tallies of ${service}`)].toSorted());
});

it('tells of a comparison whose result cannot be kept, and compares again', async () => {
  const lines: string[] = [];
  configureLogging({ level: 'warn', stream: { write: (line) => void lines.push(line) } });
  let asked = 0;
  const results = new CheckResults(['I11', 'I21']);
  results.checked = results.failed = () => {
    throw new Error('no room for it');
  };
  const look = async () => {
    asked += 1;
    return [];
  };
  const messaging = { admin: () => Promise.reject(new Error('no broker here')) };
  const parts: SamplerParts = { readers: [], messaging, results, acknowledged: { look } };
  const sampler = new Sampler(parts, new Picture(), async () => undefined);
  for (let round = 0; round < 5; round++) await sampler.round();
  await until('it is told', () => lines.length > 0);
  configureLogging({ level: 'silent' });
  expect(asked).toBe(2);
  expect(lines.join('')).toMatch(/no room for it.*a comparison did not end well/);
});
