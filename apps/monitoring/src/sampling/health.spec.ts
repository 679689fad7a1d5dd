import { SERVICES, type Service } from '@payflow/contracts';
import type { CheckResult } from '@payflow/invariants';
import { beforeEach, describe, expect, it } from 'vitest';
import { healthOf } from './health.js';
import { readerLags } from './lags.js';
import { Picture, partitionKey, readerKey } from './picture.js';

const NOW = 1_000_000_000;
let picture: Picture;

beforeEach(() => {
  picture = new Picture();
  picture.broker = { value: { reachable: true, reason: null }, at_ms: NOW };
  for (const service of SERVICES)
    picture.service(service).readiness = { value: { status: 'ready', reasons: [] }, at_ms: NOW };
});

const health = (now = NOW) => healthOf(picture, readerLags(picture, 'single', now), now);
const says = (service: Service, status: 'ready' | 'unavailable' | 'degraded' | 'down', reason: string) => {
  picture.service(service).readiness = { value: { status, reasons: [reason] }, at_ms: NOW };
};

describe('health', () => {
  it('is ok when every service is ready and nothing speaks against it', () => {
    expect(health()).toMatchObject({ status: 'ok', reasons: [] });
  });

  it.each([
    ['ledger', 'down', 'down'],
    ['payments', 'unavailable', 'down'],
    ['gateway', 'degraded', 'degraded'],
    ['archiver', 'down', 'degraded'],
    ['monitoring', 'unavailable', 'degraded'],
  ] as const)('with %s %s is %s', (service, status, overall) => {
    says(service, status, 'postgres: ECONNREFUSED');
    expect(health()).toMatchObject({ status: overall, reasons: [`${service} is ${status}: postgres: ECONNREFUSED`] });
  });

  it('is down where the server of one that pays takes no writes', () => {
    says('payments', 'unavailable', 'postgres: read_only');
    expect(health()).toMatchObject({ status: 'down', reasons: ['payments is unavailable: postgres: read_only'] });
  });

  it('never takes an old word, or none, for a good one', () => {
    expect(health(NOW + 11_000).services.every(({ status }) => status === 'unknown')).toBe(true);
    expect(health(NOW + 11_000).status).toBe('down');
    expect(healthOf(new Picture(), [], NOW).status).toBe('down');
  });

  it('is degraded, and no worse, when fewer than three partitions lie ahead of any table of any service', () => {
    const ahead = (service: Service, tables: Record<string, number>) => {
      picture.service(service).partitionsAhead = { value: new Map(Object.entries(tables)), at_ms: NOW };
    };
    for (const service of SERVICES) ahead(service, { outbox: 3 });
    expect(health().status).toBe('ok');
    ahead('ledger', { outbox: 4, transfers: 2 });
    ahead('archiver', { outbox: 3, archived_events: -1 });
    expect(health()).toMatchObject({
      status: 'degraded',
      reasons: [
        'ledger has 2 partitions of transfers ahead, and should have 3 or more',
        'archiver has no partition of archived_events for the present',
      ],
    });
  });

  it('is degraded by what is set aside, and names who set it aside', () => {
    picture.service('archiver').setAside = {
      value: [
        { group: 'archiver.payments', parked: 0, deadLetters: 2, overdue: 0 },
        { group: 'archiver.ledger', parked: 12, deadLetters: 0, overdue: 3 },
      ],
      at_ms: NOW,
    };
    expect(health()).toMatchObject({
      status: 'degraded',
      reasons: [
        'archiver.payments has set aside 2 records that nobody has replayed',
        'archiver.ledger has 12 messages that wait behind a parked subject',
        'archiver.ledger has 3 commands that wait for one that has not come',
      ],
    });
  });

  it('is degraded by a broker out of reach, old messages, a broken or an unchecked invariant', () => {
    picture.broker = { value: { reachable: false, reason: 'ECONNREFUSED' }, at_ms: NOW };
    picture.service('payments').outboxAge_s = { value: 7.25, at_ms: NOW };
    const result = { sample: ['transfers/1'], duration_ms: 1, violated_at: null, violated_sample: [], error: null };
    const at = (age_ms: number) => new Date(NOW - age_ms).toISOString();
    picture.service('ledger').invariants = {
      value: [
        { ...result, invariant: 'I1', violations: 2, checked_at: at(0) },
        { ...result, invariant: 'I3', violations: 0, checked_at: at(301_000) },
        { ...result, invariant: 'I4', violations: 0, checked_at: at(1_000) },
      ],
      at_ms: NOW,
    };
    expect(health()).toMatchObject({
      status: 'degraded',
      reasons: [
        'the broker cannot be reached: ECONNREFUSED',
        'payments has unpublished messages 7.3 s old',
        'I1 is broken in ledger: 2 rows, such as transfers/1',
        'I3 of ledger was last checked 301 s ago',
      ],
    });
  });

  it('tells of a check that has failed ever since its service began, and not of one that rests for as long as it took', () => {
    const result = { violations: 0, sample: [], violated_at: null, violated_sample: [], error: null };
    const at = (age_ms: number) => new Date(NOW - age_ms).toISOString();
    const checks = (invariants: readonly Partial<CheckResult>[]) => {
      const value = invariants.map((one) => ({ ...result, duration_ms: 1, checked_at: null, ...one }) as CheckResult);
      picture.service('ledger').invariants = { value, at_ms: NOW };
      return health().reasons;
    };
    expect(checks([{ invariant: 'I18' }])).toEqual([]);
    expect(checks([{ invariant: 'I18', error: 'QueryFailedError' }])).toEqual([
      'I18 of ledger could not be checked: QueryFailedError',
    ]);
    // Two checks, a second each: one comes round every hundred seconds.
    const slow = (age_ms: number) => [
      { invariant: 'I3' as const, duration_ms: 1_000, checked_at: at(age_ms) },
      { invariant: 'I18' as const, duration_ms: 1_000, checked_at: at(0) },
    ];
    expect(checks(slow(399_000))).toEqual([]);
    expect(checks(slow(401_000))).toEqual(['I3 of ledger was last checked 401 s ago']);
  });

  it('tells of a comparison between the services that has not come for five minutes, however long it took before', () => {
    const result = { violations: 0, sample: [], violated_at: null, violated_sample: [], error: 'TimedOut' };
    const checked_at = new Date(NOW - 301_000).toISOString();
    const slow = (...names: CheckResult['invariant'][]) =>
      names.map((invariant) => ({ ...result, invariant, duration_ms: 5_000, checked_at }));
    picture.service('monitoring').invariants = { value: slow('I11', 'I19', 'I21'), at_ms: NOW };
    // The gateway's own I11 rests as its others do.
    picture.service('gateway').invariants = { value: slow('I11', 'I15'), at_ms: NOW };
    expect(health().reasons).toEqual([
      'I11 of monitoring was last checked 301 s ago',
      'I21 of monitoring was last checked 301 s ago',
    ]);
  });

  it('says what of a comparison cannot be made, and why', () => {
    const result = { sample: [], duration_ms: 1, violated_at: null, violated_sample: [], error: null };
    const checked_at = new Date(NOW).toISOString();
    const not_comparable = ['gateway has messages that are not published', 'archiver.ledger/0 is behind'];
    picture.service('monitoring').invariants = {
      value: [{ ...result, invariant: 'I21', violations: 0, checked_at, not_comparable }],
      at_ms: NOW,
    };
    expect(health()).toMatchObject({
      status: 'degraded',
      reasons: not_comparable.map((reason) => `I21 is compared in part: ${reason}`),
    });
  });

  it('tells of a service that answers, and has not told its figures for a minute', () => {
    const ledger = picture.service('ledger');
    const at = (age_ms: number) => NOW - age_ms;
    const told = (age_ms: number) => {
      ledger.invariants = { value: [], at_ms: at(age_ms) };
      ledger.outboxAge_s = { value: 0, at_ms: at(age_ms) };
    };
    ledger.answeringSince_ms = at(90_000);
    ledger.partitionsAhead = { value: new Map([['outbox', 4]]), at_ms: at(10_000) };
    ledger.setAside = { value: [], at_ms: at(10_000) };
    told(59_000);
    expect(health().status).toBe('ok');
    told(61_000);
    expect(health()).toMatchObject({
      status: 'degraded',
      reasons: [
        'ledger has not told of its invariants for 61 s',
        'ledger has not told of its unpublished messages for 61 s',
      ],
    });
    ledger.invariants = ledger.outboxAge_s = ledger.partitionsAhead = ledger.setAside = undefined;
    expect(health().reasons).toHaveLength(4);
    // One that has just come back has had no time for it, and one that is down is named for that.
    ledger.answeringSince_ms = at(59_000);
    expect(health().status).toBe('ok');
    says('ledger', 'down', 'timeout');
    ledger.answeringSince_ms = undefined;
    expect(health().reasons).toEqual(['ledger is down: timeout']);
  });

  it('names readers that are behind or stand still', () => {
    picture.ends.set(partitionKey('ledger.commands.v1', 0), [
      { at_ms: NOW - 100_000, high: 10 },
      { at_ms: NOW - 60_000, high: 50 },
      { at_ms: NOW, high: 50 },
    ]);
    const place = {
      group: 'ledger.commands',
      topic: 'ledger.commands.v1',
      partition: 0,
      next_offset: 30,
      stopped_reason: null,
    };
    picture.positions.set(readerKey('ledger.commands', 0), { position: place, at_ms: NOW });
    expect(health().reasons).toEqual(['ledger.commands/0 is 80 s behind, 20 messages']);
    picture.positions.set(readerKey('ledger.commands', 0), {
      position: { ...place, stopped_reason: 'gap_in_log' },
      at_ms: NOW,
    });
    expect(health().reasons).toEqual(['ledger.commands/0 stands still: gap_in_log']);
  });
});

describe('a lag', () => {
  it('is unknown, and not none, while the reader has never been seen', () => {
    picture.ends.set(partitionKey('ledger.commands.v1', 0), [{ at_ms: NOW, high: 50 }]);
    picture.beginnings.set(partitionKey('ledger.commands.v1', 0), 20);
    const lag = () =>
      readerLags(picture, 'single', NOW).find(({ group, partition }) => group === 'ledger.commands' && partition === 0);
    expect(lag()).toMatchObject({ lag_messages: null, lag_seconds: null });
    picture.positionsKnown.add('ledger');
    expect(lag()).toMatchObject({ lag_messages: 30, next_offset: 20, lag_seconds_is_minimum: true });
  });
});
