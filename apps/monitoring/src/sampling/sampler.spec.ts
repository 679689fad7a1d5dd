import { SERVICES } from '@payflow/contracts';
import { CheckResults, type TallyReport } from '@payflow/invariants';
import { configureLogging } from '@payflow/telemetry';
import { until } from '@payflow/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { healthOf } from './health.js';
import { Picture } from './picture.js';
import { Sampler, ratesBetween, type SamplerParts } from './sampler.js';
import type { Readable } from './self-reader.js';

beforeEach(() => configureLogging({ level: 'silent' }));
afterEach(() => void vi.useRealTimers());

const TOLD = 'payflow_outbox_oldest_unpublished_seconds 7\npayflow_partitions_ahead{table="outbox"} 4\n';
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

it('compares for the first time when those that it compares answer, and tells from then on of what fails', async () => {
  const picture = new Picture();
  const results = new CheckResults(['I11', 'I21']);
  const down = new Set<Readable['service']>(['archiver', 'payments']);
  const nothing = { sent: [], received: [], set_aside: [], archived: [] };
  const readers = SERVICES.map((service): Readable => {
    const answer = async () => {
      if (down.has(service)) throw new TypeError('fetch failed');
      return nothing;
    };
    const readiness: Readable['readiness'] = async () => ({
      status: down.has(service) ? 'down' : 'ready',
      reasons: [],
    });
    return { ...ready(service, answer), readiness };
  });
  const look = async () => {
    if (down.has('payments')) throw new TypeError('fetch failed');
    return [];
  };
  const messaging = { admin: () => Promise.reject(new Error('no broker here')) };
  const sampler = new Sampler({ readers, messaging, results, acknowledged: { look } }, picture, async () => undefined);
  const rounds = async (count: number) => {
    for (let round = 0; round < count; round++) await sampler.round();
    await new Promise(setImmediate);
    return results.list().map(({ checked_at, error }) => error ?? (checked_at ? 'compared' : 'not yet'));
  };
  expect(await rounds(3)).toEqual(['not yet', 'not yet']);
  expect(healthOf(picture, [], Date.now()).reasons.join()).not.toMatch(/could not be checked/);
  down.delete('payments');
  expect(await rounds(1)).toEqual(['compared', 'not yet']);
  down.delete('archiver');
  expect(await rounds(1)).toEqual(['compared', 'compared']);
  down.add('archiver');
  expect(await rounds(8)).toEqual(['compared', 'TypeError']);
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

it('takes no figure that is not told for 0, and tells of it once that has lasted', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const picture = new Picture();
  let metrics: () => Promise<string> = async () => TOLD;
  let isUp = true;
  const readers = SERVICES.map((service): Readable => {
    const one = ready(service, () => never);
    if (service !== 'ledger') return { ...one, metrics: async () => TOLD };
    const readiness: Readable['readiness'] = async () => ({ status: isUp ? 'ready' : 'down', reasons: [] });
    return { ...one, metrics: () => metrics(), readiness };
  });
  const parts: SamplerParts = {
    readers,
    messaging: { admin: () => Promise.reject(new Error('no broker here')) },
    results: new CheckResults([]),
    acknowledged: { look: () => never },
  };
  const sampler = new Sampler(parts, picture, async () => undefined);
  const untold = async (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      vi.setSystemTime(Date.now() + 2_000);
      await sampler.round();
    }
    return healthOf(picture, [], Date.now()).reasons.filter((reason) => reason.includes('has not told'));
  };
  expect(await untold(10)).toEqual([]);
  expect(picture.service('ledger').outboxAge_s?.value).toBe(7);
  for (const silence of [async () => '', () => Promise.reject(new Error('/metrics answered 404'))]) {
    metrics = silence;
    expect(await untold(25)).toEqual([]);
    expect(picture.service('ledger').outboxAge_s?.value).toBe(7);
    expect(await untold(15)).toEqual([
      expect.stringMatching(/^ledger has not told of its unpublished messages for \d+ s$/),
      expect.stringMatching(/^ledger has not told of its partitions for \d+ s$/),
    ]);
    // Down, it is named for that; back, it has its time again.
    isUp = false;
    expect(await untold(1)).toEqual([]);
    isUp = true;
    expect(await untold(25)).toEqual([]);
    metrics = async () => TOLD;
    expect(await untold(10)).toEqual([]);
  }
});

it('gives services their time to tell after a pause in which nobody looked', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const picture = new Picture();
  const parts: SamplerParts = {
    readers: SERVICES.map((service) => ({ ...ready(service, () => never), metrics: async () => TOLD })),
    messaging: { admin: () => Promise.reject(new Error('no broker here')) },
    results: new CheckResults([]),
    acknowledged: { look: () => never },
  };
  const sampler = new Sampler(parts, picture, async () => undefined);
  for (let round = 0; round < 2; round++) await sampler.round();
  vi.setSystemTime(Date.now() + 3_600_000);
  await sampler.round();
  expect(healthOf(picture, [], Date.now()).services.map(({ status }) => status)).toEqual(SERVICES.map(() => 'ready'));
  expect(healthOf(picture, [], Date.now()).reasons.filter((reason) => reason.includes('has not told'))).toEqual([]);
});

it('tells of every reader that has set something aside, and of no other', async () => {
  const picture = new Picture();
  const metrics = [
    'payflow_consumer_parked_messages{group="ledger.commands"} 0',
    'payflow_consumer_dead_letters{group="ledger.commands"} 3',
    'payflow_consumer_parked_messages{group="payments.commands"} 7',
    'payflow_consumer_dead_letters{group="payments.verdicts"} 0',
  ].join('\n');
  const parts: SamplerParts = {
    readers: SERVICES.map((service) => ({ ...ready(service, () => never), metrics: async () => metrics })),
    messaging: { admin: () => Promise.reject(new Error('no broker here')) },
    results: new CheckResults([]),
    acknowledged: { look: () => never },
  };
  await new Sampler(parts, picture, async () => undefined).round();
  expect(picture.service('ledger').setAside?.value).toEqual([
    { group: 'ledger.commands', parked: 0, deadLetters: 3 },
    { group: 'payments.commands', parked: 7, deadLetters: 0 },
  ]);
});

it('tells how much a group reads, and nothing of one that was sent back', () => {
  const rates = ratesBetween(
    {
      value: new Map([
        ['a', 100],
        ['b', 100],
      ]),
      at_ms: 0,
    },
    {
      value: new Map([
        ['a', 150],
        ['b', 20],
        ['c', 10],
      ]),
      at_ms: 10_000,
    },
  );
  expect([...rates]).toEqual([
    ['a', 5],
    ['b', 0],
    ['c', 1],
  ]);
});
