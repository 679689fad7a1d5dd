import { SERVICES, SUBSCRIPTIONS, type Group } from '@payflow/contracts';
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

/** What the metrics of a service tell that is well, but for the age of what it has not published. */
const told = (service: Readable['service'], outboxAge_s = 7): string => {
  const own = (Object.keys(SUBSCRIPTIONS) as Group[]).filter((group) => SUBSCRIPTIONS[group].service === service);
  return [
    `payflow_outbox_oldest_unpublished_seconds ${outboxAge_s}`,
    'payflow_partitions_ahead{table="outbox"} 4',
    ...own.flatMap((group) => SET_ASIDE.map((metric) => `${metric}{group="${group}"} 0`)),
  ].join('\n');
};
const SET_ASIDE = [
  'payflow_consumer_parked_messages',
  'payflow_consumer_dead_letters',
  'payflow_consumer_overdue_commands',
];
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
    partitions: 'single',
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
    return { lost: [], not_comparable: [] };
  };
  const messaging = { admin: () => Promise.reject(new Error('no broker here')) };
  const sampler = new Sampler(
    { readers, messaging, results, acknowledged: { look }, partitions: 'single' },
    picture,
    async () => undefined,
  );
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
    return { lost: [], not_comparable: [] };
  };
  const messaging = { admin: () => Promise.reject(new Error('no broker here')) };
  const parts: SamplerParts = { readers: [], messaging, results, acknowledged: { look }, partitions: 'single' };
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
  let metrics: () => Promise<string> = async () => told('ledger');
  let isUp = true;
  const readers = SERVICES.map((service): Readable => {
    const one = ready(service, () => never);
    if (service !== 'ledger') return { ...one, metrics: async () => told(service) };
    const readiness: Readable['readiness'] = async () => ({ status: isUp ? 'ready' : 'down', reasons: [] });
    return { ...one, metrics: () => metrics(), readiness };
  });
  const parts: SamplerParts = {
    readers,
    messaging: { admin: () => Promise.reject(new Error('no broker here')) },
    results: new CheckResults([]),
    acknowledged: { look: () => never },
    partitions: 'single',
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
      expect.stringMatching(/^ledger has not told of its set-aside messages for \d+ s$/),
    ]);
    // Down, it is named for that; back, it has its time again.
    isUp = false;
    expect(await untold(1)).toEqual([]);
    isUp = true;
    expect(await untold(25)).toEqual([]);
    metrics = async () => told('ledger');
    expect(await untold(10)).toEqual([]);
  }
});

it('gives services their time to tell after a pause in which nobody looked', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const picture = new Picture();
  const parts: SamplerParts = {
    readers: SERVICES.map((service) => ({ ...ready(service, () => never), metrics: async () => told(service) })),
    messaging: { admin: () => Promise.reject(new Error('no broker here')) },
    results: new CheckResults([]),
    acknowledged: { look: () => never },
    partitions: 'single',
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
  const changed = (service: Readable['service']) =>
    told(service)
      .replace(
        'payflow_consumer_dead_letters{group="ledger.commands"} 0',
        'payflow_consumer_dead_letters{group="ledger.commands"} 3',
      )
      .replace(
        'payflow_consumer_parked_messages{group="payments.commands"} 0',
        'payflow_consumer_parked_messages{group="payments.commands"} 7',
      )
      .replace(
        'payflow_consumer_overdue_commands{group="payments.commands"} 0',
        'payflow_consumer_overdue_commands{group="payments.commands"} 2',
      );
  const parts: SamplerParts = {
    readers: SERVICES.map((service) => ({ ...ready(service, () => never), metrics: async () => changed(service) })),
    messaging: { admin: () => Promise.reject(new Error('no broker here')) },
    results: new CheckResults([]),
    acknowledged: { look: () => never },
    partitions: 'single',
  };
  await new Sampler(parts, picture, async () => undefined).round();
  expect(SERVICES.map((service) => picture.service(service).setAside?.value)).toEqual([
    [],
    [{ group: 'payments.commands', parked: 7, deadLetters: 0, overdue: 2 }],
    [{ group: 'ledger.commands', parked: 0, deadLetters: 3, overdue: 0 }],
    [],
    [],
  ]);
});

it('takes what a service could not count of one of its readers for nothing that it has told', async () => {
  const picture = new Picture();
  const without = (service: Readable['service']) =>
    told(service).replace(/.*dead_letters{group="payments.verdicts"}.*/, '');
  const parts: SamplerParts = {
    readers: SERVICES.map((service) => ({ ...ready(service, () => never), metrics: async () => without(service) })),
    messaging: { admin: () => Promise.reject(new Error('no broker here')) },
    results: new CheckResults([]),
    acknowledged: { look: () => never },
    partitions: 'single',
  };
  await new Sampler(parts, picture, async () => undefined).round();
  expect(picture.service('payments').setAside).toBeUndefined();
  expect(picture.service('ledger').setAside?.value).toEqual([]);
});

/** The gateway has sent a command that payments has not; all else is as it should be. */
async function comparing(look: SamplerParts['acknowledged']['look']) {
  vi.useFakeTimers({ toFake: ['Date'] });
  const picture = new Picture();
  const results = new CheckResults(['I11', 'I21']);
  const outbox = { age_s: 40 };
  const sent = { topic: 'payments.commands.v1', day: '2026-11-21', messages: 1, id_sum: 0x1_2345 };
  const ends = async () => [0, 1].map((partition) => ({ partition, low: 0, high: 5 }));
  const readers = SERVICES.map((service): Readable => {
    const own = (Object.keys(SUBSCRIPTIONS) as Group[]).filter((group) => SUBSCRIPTIONS[group].service === service);
    const places = own.flatMap((group) => [0, 1].map((partition) => ({ group, partition })));
    const report = { sent: service === 'gateway' ? [sent] : [], received: [], set_aside: [], archived: [] };
    return {
      ...ready(service, async () => report),
      metrics: async () => told(service, service === 'gateway' ? outbox.age_s : 0),
      positions: async () =>
        places.map((place) => ({
          ...place,
          topic: SUBSCRIPTIONS[place.group].topic,
          next_offset: 5,
          stopped_reason: null,
        })),
    };
  });
  const messaging = { admin: async () => ({ offsetsWhereLed: ends }) } as unknown as SamplerParts['messaging'];
  const sampler = new Sampler(
    { readers, messaging, results, acknowledged: { look }, partitions: 'single' },
    picture,
    async () => undefined,
  );
  const after = async (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      vi.setSystemTime(Date.now() + 2_000);
      await sampler.round();
      await new Promise(setImmediate);
    }
    return results.list();
  };
  return { outbox, after };
}

it('takes what is in an outbox for neither lost nor received, and tells of a loss once that is empty', async () => {
  const reason = 'gateway has messages that are not published';
  const { outbox, after } = await comparing(async (heldUp) => {
    const held = heldUp('payments.commands');
    return held ? { lost: [], not_comparable: [held] } : { lost: ['pay_lost'], not_comparable: [] };
  });
  const outage = await after(60);
  expect(outage).toMatchObject([
    { invariant: 'I11', violations: 0, not_comparable: [reason] },
    { invariant: 'I21', violations: 0, not_comparable: [reason] },
  ]);
  outbox.age_s = 0;
  const later = await after(40);
  expect(later).toMatchObject([
    { invariant: 'I11', violations: 1, sample: ['pay_lost'] },
    {
      invariant: 'I21',
      violations: 1,
      sample: [expect.stringMatching(/^payments.commands 2026-11-21: 1 missing, .* 000000012345$/)],
    },
  ]);
  for (const result of later) expect(result).not.toHaveProperty('not_comparable');
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
