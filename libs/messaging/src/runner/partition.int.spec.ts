import type { AnyMessage } from '@payflow/contracts';
import { openDatabase, statement, type Database, type Transaction } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, effectHandler, openAccount, recordOf, until } from '@payflow/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GroupInterrupted, type RecordBatch } from '../broker/port.js';
import { PartitionRunner } from './partition.js';
import { Suspects } from './suspects.js';
import { readerOf } from './unit.js';

configureLogging({ level: 'silent' });

const EPOCH = statement('spec.epoch', 'select max(epoch)::integer as epoch from positions');
const RESET = statement('spec.reset', 'delete from positions');
const FORGET = statement('spec.forget', 'delete from effects');
const ACQUIT = statement('spec.acquit', 'delete from suspects');
const SUSPICIOUS = statement('spec.suspicious-position', 'update positions set idle_claims = 5');
const CLAIMED_ELSEWHERE = statement('spec.claimed-elsewhere', 'update positions set epoch = epoch + 1');
const POSITION = statement(
  'spec.position',
  'select next_offset::integer as next, stopped_reason as stopped from positions',
);
const SUSPECTS = statement('spec.suspects', 'select record_offset::integer as "offset", attempts from suspects');
const PARKED = statement('spec.parked', 'select record_offset::integer as "offset" from parked_messages');
const KILL = statement(
  'spec.kill',
  'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
);

let kit: ReaderKit;
let seeks: number[] = [];
beforeAll(async () => {
  kit = await ReaderKit.open('ledger.commands');
  await kit.db.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
});
afterAll(() => kit.close());
beforeEach(async () => {
  seeks = [];
  await kit.db.count(RESET);
  await kit.db.count(FORGET);
  await kit.db.count(ACQUIT);
});

interface Process {
  readonly writer?: string;
  readonly db?: Database;
  readonly before?: (messages: readonly AnyMessage[], tx: Transaction) => Promise<void> | void;
  /** Where the log begins and ends. */
  readonly bounds?: { start: number; end: number };
}

/** A partition in a process of its own, whose consumer is the spec. */
function processOf({
  writer = 'a',
  db = kit.db,
  before = () => undefined,
  bounds = { start: 0, end: 1_000 },
}: Process = {}) {
  const runner = new PartitionRunner(
    { group: kit.group, topic: kit.topic, partition: 0 },
    {
      reader: readerOf(kit.group, db, kit.messaging(db).outbox, { handle: effectHandler(writer, before) }),
      consumer: { pause: () => undefined, resume: () => undefined, seek: (_, offset) => seeks.push(offset) },
      logBounds: async () => bounds,
      onProgress: () => undefined,
      suspects: new Suspects(),
    },
  );
  const deliver = (batch: RecordBatch) => runner.onBatch(batch, CONTROL);
  return { runner, deliver };
}

const CONTROL = { resolve: () => undefined, heartbeat: () => Promise.resolve(), isCurrent: () => true };

/** Records from `first` on; the log ends behind them, or where it is said. */
function batchOf(messages: readonly AnyMessage[], first = 0, highWatermark = first + messages.length): RecordBatch {
  const records = messages.map(recordOf).map(({ key, value, headers }, at) => ({
    offset: first + at,
    key: Buffer.from(key as string),
    value: Buffer.from(value as string),
    headers,
    timestamp: '0',
  }));
  return { topic: kit.topic, partition: 0, highWatermark, records };
}

async function writers(): Promise<string[]> {
  return (await kit.effects()).map(({ writer }) => writer);
}

describe('a process that lost its partition without knowing', () => {
  it('writes nothing, and claims nothing', async () => {
    const batch = batchOf([openAccount(), openAccount(), openAccount()]);
    const zombie = processOf({ writer: 'zombie' });
    // It claims, is sent to its place, and is stopped there; another takes over and applies all.
    await zombie.deliver(batch);
    const successor = processOf({ writer: 'successor' });
    await successor.deliver(batch);
    await successor.deliver(batch);
    const before = await kit.db.rows(EPOCH);
    await zombie.deliver(batch);
    expect(await writers()).toEqual(['successor', 'successor', 'successor']);
    expect(await kit.db.rows(EPOCH)).toEqual(before);
  });

  it('hears from the broker before it claims', async () => {
    const { runner } = processOf();
    const heartbeat = () => Promise.reject(new GroupInterrupted(new Error('unknown member')));
    await runner.onBatch(batchOf([openAccount()]), { ...CONTROL, heartbeat });
    expect(await kit.db.rows(EPOCH)).toEqual([{ epoch: null }]);
  });

  it('does not hold up its successor when it was stopped inside its transaction', async () => {
    const own = await openDatabase({ url: kit.tables.url, poolSize: 2, applicationName: 'zombie' });
    const [inside, awake] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const before = () => {
      inside.resolve();
      return awake.promise;
    };
    const batch = batchOf([openAccount()]);
    const zombie = processOf({ writer: 'zombie', db: own, before });
    await zombie.deliver(batch);
    const stuck = zombie.deliver(batch);
    await inside.promise;
    const successor = processOf({ writer: 'successor' });
    const applied = async () => {
      await successor.deliver(batch);
      return (await kit.effects()).length > 0;
    };
    await until('the successor has applied it', applied, 15_000);
    awake.resolve();
    await stuck;
    expect(await writers()).toEqual(['successor']);
    await Promise.all([zombie.runner.close(), successor.runner.close()]);
    await own.close();
  });
});

describe('work that goes out behind the lock of its position', () => {
  const PARK = statement(
    'spec.park',
    `insert into parked_subjects (consumer_group, tenant, record_key, state, error_class, error_message, attempts, topic, partition)
     values ($1, $2, $3, 'parked', 'spec', 'spec', 1, $4, 0)`,
  );
  const UNPARK = statement('spec.unpark', 'delete from parked_subjects');
  const PAUSE = statement('spec.pause', 'select pg_sleep(0.1)');

  /** A process that has applied a batch, and so expects the next one to find its position as it left it. */
  async function settled(options: Process = {}) {
    const each = processOf(options);
    await each.deliver(batchOf([openAccount()]));
    await each.deliver(batchOf([openAccount()]));
    return each;
  }

  it('leaves nothing behind when another process owns the partition, though it was still at work when that showed', async () => {
    let slow = false;
    const zombie = await settled({
      writer: 'zombie',
      before: async (_, tx) => void (slow && (await tx.rows(PAUSE))),
    });
    const successor = processOf({ writer: 'successor' });
    const second = batchOf([openAccount(), openAccount()], 1);
    await successor.deliver(second);
    slow = true;
    await zombie.deliver(second);
    expect(await writers()).toEqual(['zombie']);
    await Promise.all([zombie.runner.close(), successor.runner.close()]);
  });

  it('is done again when a subject has been parked meanwhile: its messages wait', async () => {
    const { deliver } = await settled();
    const [parked, other] = [openAccount(), openAccount()];
    await kit.db.rows(PARK, [kit.group, parked.tenant, parked.key, kit.topic]);
    await deliver(batchOf([parked, other], 1));
    expect((await kit.effects()).map(({ eventId }) => eventId)).not.toContain(parked.id);
    expect((await kit.effects()).at(-1)?.eventId).toBe(other.id);
    expect(await kit.db.rows(PARKED)).toEqual([{ offset: 1 }]);
    await kit.db.count(UNPARK);
    await kit.db.count(statement('spec.forget-parked', 'delete from parked_messages'));
  });

  it('is tried message by message when it fails, and the one to blame is set aside', async () => {
    const [good, bad] = [openAccount(), openAccount()];
    const { deliver } = await settled({
      before: (messages) => {
        if (messages.some(({ id }) => id === bad.id)) throw new TypeError('spec');
      },
    });
    await deliver(batchOf([good, bad], 1));
    expect((await kit.effects()).at(-1)?.eventId).toBe(good.id);
    expect(await kit.db.rows(POSITION)).toEqual([{ next: 3, stopped: null }]);
    await kit.db.count(UNPARK);
    await kit.db.count(statement('spec.forget-parked', 'delete from parked_messages'));
  });
});

describe('a log that is not the one the position was written by', () => {
  const messages = Array.from({ length: 6 }, () => openAccount());
  const stopped = async () => (await kit.db.rows<{ stopped: string | null }>(POSITION))[0]?.stopped;

  beforeEach(async () => {
    const { deliver } = processOf();
    await deliver(batchOf(messages));
    await deliver(batchOf(messages));
    expect(await kit.db.rows(POSITION)).toEqual([{ next: 6, stopped: null }]);
  });

  it('is recognised by the record before the position: the same log goes on', async () => {
    const { deliver } = processOf();
    const more = [messages[5] as AnyMessage, openAccount()];
    await deliver(batchOf(messages, 0, 7));
    expect(seeks.at(-1)).toBe(5);
    await deliver(batchOf(more, 5));
    expect((await kit.effects()).length).toBe(7);
    expect(await stopped()).toBeNull();
  });

  it('stops the partition when another record stands there', async () => {
    const { deliver, runner } = processOf();
    const others = [openAccount(), openAccount()];
    await deliver(batchOf(others, 5));
    await deliver(batchOf(others, 5));
    expect(await stopped()).toMatch(/^wrong_record_at_position/);
    expect((await kit.effects()).length).toBe(6);
    await runner.close();
  });

  it('is the same where that record has outlived its retention since the partition was claimed', async () => {
    const bounds = { start: 0, end: 7 };
    const { deliver, runner } = processOf({ bounds });
    await deliver(batchOf(messages, 0, 7));
    expect(seeks.at(-1)).toBe(5);
    bounds.start = 6;
    const next = batchOf([openAccount()], 6);
    await deliver(next);
    expect(await stopped()).toMatch(/^wrong_record_at_position/);
    await deliver(next);
    expect(seeks.at(-1)).toBe(6);
    await deliver(next);
    expect((await kit.effects()).length).toBe(7);
    expect(await stopped()).toBeNull();
    await runner.close();
  });

  it('stops the partition when records between are gone, by retention or by a gap', async () => {
    const young = processOf({ bounds: { start: 8, end: 10 } });
    await young.deliver(batchOf([openAccount()], 8));
    expect(await stopped()).toMatch(/^gap_in_log: position 6, log starts at 8/);
    const gapped = processOf();
    await gapped.deliver(batchOf([openAccount()], 8));
    await gapped.deliver(batchOf([openAccount()], 8));
    expect(await stopped()).toMatch(/^gap_in_log: position 6, next record 8/);
    expect((await kit.effects()).length).toBe(6);
    await Promise.all([young.runner.close(), gapped.runner.close()]);
  });

  it('stops the partition when it stays shorter than the position, and not while a new leader catches up', async () => {
    const { deliver, runner } = processOf({ bounds: { start: 0, end: 3 } });
    const short = batchOf(messages.slice(0, 3));
    await deliver(short);
    expect(await stopped()).toBeNull();
    for (let look = 0; look < 9; look++) await deliver(short);
    expect(await stopped()).toMatch(/^log_shorter_than_position: position 6, log ends at 3/);
    expect((await kit.effects()).length).toBe(6);
    await runner.close();
  });

  it('is looked at from the first time again once it was as long as it should be', async () => {
    const { deliver, runner } = processOf();
    await deliver(batchOf(messages));
    for (let look = 0; look < 9; look++) await deliver(batchOf(messages.slice(5), 5, 3));
    await deliver(batchOf([messages[5] as AnyMessage, openAccount()], 5));
    for (let look = 0; look < 9; look++) await deliver(batchOf([openAccount()], 7, 5));
    expect(await stopped()).toBeNull();
    expect((await kit.effects()).length).toBe(7);
    await runner.close();
  });

  it('is looked at anew when the client was sent back to its start while the partition was held', async () => {
    const { deliver, runner } = processOf();
    await deliver(batchOf(messages));
    await deliver(batchOf(messages.slice(5), 5));
    // Wiped and filled again: as long as before, and every record another one.
    const refilled = Array.from({ length: 8 }, () => openAccount());
    await deliver(batchOf(refilled));
    await deliver(batchOf(refilled));
    await deliver(batchOf(refilled.slice(5), 5));
    expect(await stopped()).toMatch(/^wrong_record_at_position/);
    expect((await kit.effects()).length).toBe(6);
    await runner.close();
  });

  it('begins one record earlier again when the first attempt after it was taken over fails', async () => {
    let isReachable = true;
    const { deliver, runner } = processOf({
      before: () => (isReachable ? undefined : Promise.reject(new Error('no connection'))),
    });
    await deliver(batchOf(messages.slice(5), 5));
    await deliver(batchOf([...messages.slice(5), openAccount()], 5));
    await kit.db.rows(CLAIMED_ELSEWHERE);
    const next = openAccount();
    await deliver(batchOf([next], 7));
    await deliver(batchOf([next], 7));
    isReachable = false;
    await deliver(batchOf([openAccount(), next], seeks.at(-1)));
    expect(seeks.at(-1)).toBe(6);
    await runner.close();
  });

  it('forgets why it stood still once it moves again', async () => {
    await kit.db.rows(statement('spec.stop', "update positions set stopped_reason = 'spec'"));
    const { deliver } = processOf();
    await deliver(batchOf(messages, 0, 7));
    await deliver(batchOf([messages[5] as AnyMessage, openAccount()], 5));
    expect(await stopped()).toBeNull();
  });
});

describe('a message that ends its process', () => {
  /** Delivers once to a process that dies in its handler, or lives if it does not get that far. */
  async function live(batch: RecordBatch, killer: AnyMessage): Promise<'died' | 'lived'> {
    const db = await openDatabase({ url: kit.tables.url, poolSize: 2, applicationName: 'mortal' });
    const died = Promise.withResolvers<'died'>();
    const before = (messages: readonly AnyMessage[]) => {
      if (!messages.some(({ id }) => id === killer.id)) return;
      died.resolve('died');
      return new Promise<void>(() => undefined);
    };
    const { deliver } = processOf({ db, before });
    await deliver(batch);
    const outcome = await Promise.race([deliver(batch).then(() => 'lived' as const), died.promise]);
    if (outcome === 'died') await kit.db.rows(KILL, ['mortal']);
    else await db.close();
    return outcome;
  }

  it('is quarantined at its third death, and all others are applied', async () => {
    const [one, killer, two] = [openAccount(), openAccount(), openAccount()];
    const batch = batchOf([one, killer, two]);
    const deaths: string[] = [];
    while (deaths.at(-1) !== 'lived') deaths.push(await live(batch, killer));
    expect(deaths).toEqual(['died', 'died', 'died', 'lived']);
    expect((await kit.effects()).map(({ eventId }) => eventId)).toEqual([one.id, two.id]);
    expect(await kit.db.rows(PARKED)).toEqual([{ offset: 1 }]);
    expect(await kit.db.rows(SUSPECTS)).toEqual([]);
  });

  it('is not suspected for the weather: an attempt that ends, however badly, is taken back', async () => {
    const message = openAccount();
    const batch = batchOf([message]);
    await kit.db.rows(
      statement(
        'spec.suspicious',
        `insert into positions (consumer_group, topic, partition, epoch, next_offset, idle_claims) values ($1, $2, 0, 1, 0, 5)`,
      ),
      [kit.group, kit.topic],
    );
    const { deliver, runner } = processOf({ before: () => Promise.reject(new Error('no connection')) });
    for (let attempt = 0; attempt < 6; attempt++) await deliver(batch);
    expect(await kit.db.rows(SUSPECTS)).toEqual([{ offset: 0, attempts: 0 }]);
    await runner.close();
    const healthy = processOf();
    await healthy.deliver(batch);
    await healthy.deliver(batch);
    expect((await kit.effects()).map(({ eventId }) => eventId)).toEqual([message.id]);
  });

  it('is not looked for in the record before the position, which is there to be recognised alone', async () => {
    const [first, second] = [openAccount(), openAccount()];
    const before = processOf();
    await before.deliver(batchOf([first]));
    await before.deliver(batchOf([first]));
    await before.runner.close();
    await kit.db.rows(SUSPICIOUS);
    for (let start = 0; start < 4; start++) {
      const { deliver, runner } = processOf();
      await deliver(batchOf([first]));
      await deliver(batchOf([first]));
      await runner.close();
    }
    const last = processOf();
    await last.deliver(batchOf([first, second]));
    await last.deliver(batchOf([first, second]));
    expect((await kit.effects()).map(({ eventId }) => eventId)).toEqual([first.id, second.id]);
    expect(await kit.db.rows(POSITION)).toEqual([{ next: 2, stopped: null }]);
    expect(await kit.db.rows(SUSPECTS)).toEqual([]);
    await last.runner.close();
  });

  it('is not suspected for claims of a partition in which there was nothing to do', async () => {
    const messages = [openAccount(), openAccount()];
    for (let restart = 0; restart < 4; restart++) {
      const { deliver } = processOf();
      await deliver(batchOf(messages));
      await deliver(batchOf(messages));
    }
    expect(await kit.db.rows(statement('spec.idle', 'select idle_claims from positions'))).toEqual([
      { idle_claims: 0 },
    ]);
  });
});
