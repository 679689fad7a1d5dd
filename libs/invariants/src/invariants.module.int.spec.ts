import { Module, type DynamicModule } from '@nestjs/common';
import { fromUuid, newId, toUuid } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import {
  MESSAGING_RIGHTS,
  Messaging,
  MessagingGuards1763700013000,
  MessagingPartitions1764100040001,
  MessagingTables1763700000000,
  tallyOf,
} from '@payflow/messaging';
import {
  DATABASE,
  PlatformModule,
  commonFields,
  defineConfiguration,
  readConfiguration,
  signInternalToken,
  startService,
  type RunningService,
} from '@payflow/service';
import {
  createTestDatabase,
  createTestTopics,
  testServers,
  uniqueSuffix,
  until,
  type TestDatabase,
} from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckResult } from './check-results.js';
import { noOldOutboxRow } from './checks/outbox-age.js';
import { INVARIANT_RIGHTS } from './database/invariant-rights.js';
import { InvariantTables1763700002000 } from './database/invariant-tables.js';
import { internalHeaders } from './http/internal.guard.js';
import { invariant } from './invariant.js';
import { InvariantsModule } from './invariants.module.js';
import type { TallyReport } from './tallies/report.js';

const configuration = {
  ...defineConfiguration('archiver', commonFields({ port: 0, database: 'archiver' })),
  service: 'archiver' as const,
};
const connections = { api: 1, consumers: 1, relay: 1, reports: 1 };
const tooSlow = invariant({ name: 'I2', owner: 'spec', interval_ms: 60_000, running: `select pg_sleep(30) as id` });
const invariants = [noOldOutboxRow('spec'), tooSlow];

@Module({})
class SpecModule {}

/** A check rests by how long it took, which is long on a busy machine. */
const RESTED_WITHIN_MS = 60_000;

describe('the internal endpoints and the checks behind them', () => {
  const prefix = `${uniqueSuffix()}.`;
  const rights = { ...MESSAGING_RIGHTS, ...INVARIANT_RIGHTS };
  let db: TestDatabase;
  let admin: Client;
  let running: RunningService;
  let base: string;
  let secret: string;

  beforeAll(async () => {
    const brokers = testServers().kafka;
    [db] = await Promise.all([
      createTestDatabase('archiver', [
        MessagingTables1763700000000,
        InvariantTables1763700002000,
        MessagingGuards1763700013000,
        MessagingPartitions1764100040001,
        rights,
      ]),
      createTestTopics({ brokers, clientId: 'spec', prefix }),
    ]);
    admin = new Client({ connectionString: db.adminUrl });
    await admin.connect();
    const env = {
      NODE_ENV: 'test',
      OTEL_TRACES_EXPORTER: 'none',
      LOG_LEVEL: 'silent',
      PORT: '0',
      DATABASE_URL: db.url,
      KAFKA_BROKERS: brokers.join(','),
      KAFKA_PREFIX: prefix,
    };
    const config = readConfiguration(configuration, env);
    secret = config.PAYFLOW_INTERNAL_SECRET;
    const module = (): DynamicModule => ({
      module: SpecModule,
      imports: [
        PlatformModule.with({ service: 'archiver', config, rights, connections, kafka: 'required' }),
        InvariantsModule.with({ invariants, secret }),
      ],
    });
    running = await startService({ configuration, module }, config);
    base = await running.app.getUrl();
  });
  afterAll(async () => {
    await running.stop();
    await admin.end();
    await db.drop();
  });

  const read = async <T>(path: string) =>
    (await (await fetch(`${base}/internal/${path}`, { headers: internalHeaders(secret, 'spec') })).json()) as T;
  const result = async (name: string) =>
    (await read<{ data: CheckResult[] }>('invariants')).data.find((one) => one.invariant === name);

  it('tells nothing to strangers, and nothing of the inside to those who may only read from outside', async () => {
    const status = async (headers: Record<string, string>) =>
      (await fetch(`${base}/internal/invariants`, { headers })).status;
    expect(await status({})).toBe(401);
    expect(await status({ authorization: 'Bearer x.y.z' })).toBe(401);
    expect(await status(internalHeaders(`${secret}-other`, 'spec'))).toBe(401);
    const forwarded = signInternalToken(
      secret,
      { tenant: newId('tenant'), livemode: false, actor: 'key', scopes: ['monitoring:read'] },
      Date.now(),
    );
    expect(await status({ authorization: `Bearer ${forwarded}` })).toBe(403);
  });

  it('checks by itself, sees what breaks, and remembers it when it is mended', async () => {
    await until('I19 was checked', async () => (await result('I19'))?.checked_at);
    expect(await result('I19')).toMatchObject({ violations: 0, sample: [], violated_at: null, error: null });
    const id = '01a1fcfe-571f-7760-8a28-f5898d971e43';
    await admin.query(
      `insert into outbox (created_at, id, topic, partition, messages, message_count, counted, id_sum, claimed_until)
       values (now() - interval '6 seconds', '${id}', 'payments.events.v1', 0, '[]', 1, 0, 0, now() + interval '50 seconds')`,
    );
    await until('I19 is broken', async () => (await result('I19'))?.violations === 1, RESTED_WITHIN_MS);
    expect(await result('I19')).toMatchObject({ sample: [`outbox/${id}`] });
    const metrics = await (await fetch(`${base}/metrics`)).text();
    expect(metrics).toMatch(/payflow_invariant_violations\{invariant="I19"\} 1/);
    expect(metrics).toMatch(/payflow_invariant_checked_timestamp_seconds\{invariant="I19"\} 1\.?\d+/);
    await admin.query('update outbox set published_at = now()');
    await until('I19 holds again', async () => (await result('I19'))?.violations === 0, RESTED_WITHIN_MS);
    expect((await result('I19'))?.violated_sample).toEqual([`outbox/${id}`]);
  }, 150_000);

  it('gives up a check that takes too long, and says so', async () => {
    await until('I2 was given up', async () => (await result('I2'))?.error);
    expect(await result('I2')).toMatchObject({ checked_at: null, violations: 0 });
  });

  it('adds up what is sent once, whatever is read in between, and not what is still under way', async () => {
    const database = running.app.get<Database>(DATABASE, { strict: false });
    const { outbox } = running.app.get(Messaging, { strict: false });
    const origin = { tenant: newId('tenant'), livemode: false, actor: 'spec' };
    const message = (resent = false) => {
      const id = newId('account');
      return {
        type: 'payflow.account.rejected.v1' as const,
        id: newId('event'),
        subject: id,
        resent,
        origin,
        data: { id, reason: 'account_exists', recorded_at: new Date().toISOString() },
      };
    };
    const sent = async () => (await read<TallyReport>('tallies')).sent;
    const first = [message(), message()];
    const second = [message(), message(true)];
    const before = await sent();
    await database.transaction(async (tx) => {
      await outbox.stage(tx, second, () => undefined);
      await database.transaction((other) => outbox.stage(other, first, () => undefined));
      expect(await sent()).toEqual(before);
    });
    const ids = [...first, second[0] as (typeof first)[number]].map(({ id }) => id);
    const expected = [
      {
        topic: 'ledger.events.v1',
        day: new Date().toISOString().slice(0, 10),
        messages: 3,
        id_sum: tallyOf(ids).idSum,
      },
    ];
    // Counted once nothing that is older is open, on the whole server: other specs have transactions there.
    await until('all count as sent', async () => (await sent())[0]?.messages === 3);
    expect(await sent()).toEqual(expected);
    expect(await sent()).toEqual(expected);
  });

  it('counts a message that was made just before midnight on that day, whatever day its row is of', async () => {
    const midnight = new Date(new Date().setUTCHours(0, 0, 0, 0));
    const dayBefore = new Date(midnight.getTime() - 1).toISOString().slice(0, 10);
    const hex = (midnight.getTime() - 1).toString(16).padStart(12, '0');
    const uuid = `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-00000000002a`;
    await admin.query(
      `insert into outbox (created_at, id, topic, partition, messages, message_count, counted, id_sum, claimed_until, published_at)
       values ($1, uuid_floor($1), 'payments.events.v1', 0, $2, 1, 1, 42, now(), now())`,
      [midnight, JSON.stringify([{ message: { id: fromUuid('event', uuid) }, value: '{}' }])],
    );
    await admin.query(`update sent_horizon set seen_until = $1`, [midnight]);
    const ofPayments = await until('it counts as sent', async () => {
      const { sent } = await read<TallyReport>('tallies');
      const found = sent.filter(({ topic }) => topic === 'payments.events.v1');
      return found.length > 0 ? found : undefined;
    });
    expect(ofPayments).toEqual([{ topic: 'payments.events.v1', day: dayBefore, messages: 1, id_sum: 42 }]);
  });

  it('counts a message on the day of its own clock, though the database’s is minutes ahead and has turned the day', async () => {
    const midnight = new Date(new Date().setUTCHours(0, 0, 0, 0));
    const minutesFrom = (minutes: number) => new Date(midnight.getTime() + minutes * 60_000);
    const dayBefore = minutesFrom(-1).toISOString().slice(0, 10);
    const sum = async () =>
      (await read<TallyReport>('tallies')).sent.filter(
        ({ topic, day }) => topic === 'payments.events.v1' && day === dayBefore,
      );
    const before = (await sum())[0]?.messages ?? 0;
    await admin.query(`update sent_horizon set seen_until = $1`, [midnight]);
    await admin.query(
      `insert into outbox (created_at, id, topic, partition, messages, message_count, counted, id_sum, claimed_until, published_at)
       values ($1, uuid_floor($2), 'payments.events.v1', 0, '[]', 1, 1, 42, now(), now())`,
      [minutesFrom(1), minutesFrom(-1)],
    );
    await until('it counts as sent', async () => (await sum())[0]?.messages === before + 1);
  });

  it('counts what is sent once a clock that was ahead has been set right', async () => {
    await admin.query(`update sent_horizon set seen_until = now() + interval '1 hour'`);
    const id = newId('account');
    const data = { id, reason: 'account_exists', recorded_at: new Date().toISOString() };
    const origin = { tenant: newId('tenant'), livemode: false, actor: 'spec' };
    const rejected = { type: 'payflow.account.rejected.v1' as const, subject: id, origin, data };
    const { outbox } = running.app.get(Messaging, { strict: false });
    const sum = async () => (await read<TallyReport>('tallies')).sent.find(({ topic }) => topic === 'ledger.events.v1');
    const before = (await sum())?.messages ?? 0;
    await db.database.transaction((tx) => outbox.stage(tx, [rejected], () => undefined));
    await until('it counts as sent', async () => (await sum())?.messages === before + 1);
  });

  it('counts what was set aside, and not what was replayed since', async () => {
    const letter = (offset: number, errorClass: string, state: string) =>
      `('ledger.commands', 'ledger.commands.v1', 0, ${offset}, '${newId('event')}', '${errorClass}', '', 1, now(), '{"ce_type":"some.type"}', '${state}')`;
    await admin.query(
      `insert into dead_letters (consumer_group, topic, partition, record_offset, event_id, error_class, error_message, attempts, first_at, record_headers, state)
       values ${[letter(1, 'TypeError', 'dead'), letter(2, 'undecodable', 'dead'), letter(3, 'TypeError', 'replayed'), letter(4, 'TypeError', 'replaying')].join(', ')}`,
    );
    const uuid = () => `'${toUuid('event', newId('event')) ?? ''}'`;
    await admin.query(
      `insert into parked_messages (consumer_group, tenant, record_key, topic, partition, record_offset, event_id, message)
       values ('ledger.commands', 'org', 'key', 'ledger.commands.v1', 0, 5, ${uuid()}, '{}')`,
    );
    await admin.query(
      `insert into positions (consumer_group, topic, partition, epoch, next_offset) values ('payments.commands', 'payments.commands.v1', 0, 1, 0)`,
    );
    await admin.query(
      `insert into waiting_commands (consumer_group, tenant, livemode, record_key, sequence, event_id, record_offset, message)
       values ('payments.commands', 'org', false, 'key', 2, ${uuid()}, 6, '{}')`,
    );
    // Copies of it, and of one that was received, behind a parked subject.
    await admin.query(
      `insert into inbox (consumer_group, event_id, content_hash) values ('payments.commands', ${uuid()}, 0)`,
    );
    await admin.query(
      `insert into parked_messages (consumer_group, tenant, record_key, topic, partition, record_offset, event_id, message)
       select consumer_group, 'org', 'key', 'payments.commands.v1', 0, 7, event_id, '{}'
       from (select consumer_group, event_id from inbox union all select consumer_group, event_id from waiting_commands) as known
       where consumer_group = 'payments.commands'`,
    );
    const { set_aside } = await read<TallyReport>('tallies');
    expect(set_aside.map(({ group, kind, type, messages }) => `${group} ${kind} ${type} ${messages}`)).toEqual([
      'ledger.commands dead_lettered some.type 2',
      'ledger.commands parked null 1',
      'ledger.commands undecodable some.type 1',
      'payments.commands waiting null 1',
    ]);
    await admin.query('delete from positions');
  });

  it('shows how far the readers have come', async () => {
    await db.database.rows(
      statement(
        'spec.position',
        `insert into positions values ('archiver.ledger', 'ledger.events.v1', 1, 1, 17, null, 0, 'gap_in_log')`,
      ),
    );
    expect(await read('positions')).toEqual({
      data: [
        {
          group: 'archiver.ledger',
          topic: 'ledger.events.v1',
          partition: 1,
          next_offset: 17,
          stopped_reason: 'gap_in_log',
        },
      ],
    });
  });
});
