import { newId, type AnyMessage, type InvariantName, type MessageData } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { checkInvariant, type Invariant } from '@payflow/invariants';
import { Messaging } from '@payflow/messaging';
import { createTestDatabase, testBroker, until, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LedgerCommandsHandler } from '../handlers/ledger-commands.handler.js';
import { invariants, migrations } from './index.js';

type Command = 'payflow.account.open.v1' | 'payflow.transfer.post.v1';

const tenant = newId('tenant');
const now = new Date().toISOString();
const [world, wallet, other] = [newId('account'), newId('account'), newId('account')];

function command<T extends Command>(type: T, data: MessageData[T]): AnyMessage<T> {
  const id = newId('event');
  const context = {
    tenant,
    livemode: false,
    key: data.id,
    aggregateVersion: 0,
    causationId: id,
    correlationId: id,
    actor: 'spec',
    time: now,
  };
  return {
    id,
    type,
    data,
    subject: data.id,
    ...context,
    traceparent: undefined,
    tracestate: undefined,
  } as unknown as AnyMessage<T>;
}

const open = (id: string, overdraft: 'none' | 'unbounded') =>
  command('payflow.account.open.v1', { id, path: null, asset: 'USD', overdraft, metadata: {}, created_at: now });
const transfer = (debit: string, credit: string, amount: string, id = newId('transfer')) =>
  command('payflow.transfer.post.v1', {
    id,
    payment: null,
    debit_account: debit,
    credit_account: credit,
    amount,
    asset: 'USD',
    valid_until: null,
  });

const named = (name: InvariantName) => invariants.find((one) => one.name === name) as Invariant;

describe("the ledger's invariants", () => {
  let db: TestDatabase;
  let admin: Client;
  let messaging: Messaging;
  const handler = new LedgerCommandsHandler();

  beforeAll(async () => {
    db = await createTestDatabase('ledger', migrations);
    await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
    admin = new Client({ connectionString: db.adminUrl });
    await admin.connect();
    // Never started: rows are staged as always, and stay in the outbox.
    messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
    await apply(open(world, 'unbounded'), open(wallet, 'none'), open(other, 'none'));
    await apply(transfer(world, wallet, '500'), transfer(wallet, other, '200'), transfer(other, wallet, '1000'));
  });
  afterAll(async () => {
    await admin.end();
    await db.drop();
  });

  async function apply(...commands: AnyMessage<Command>[]): Promise<void> {
    await db.database.transaction(async (tx) => {
      const { messages } = await handler.handle(commands, tx);
      await messaging.outbox.stage(tx, messages, () => undefined);
    });
  }

  async function violations(name: InvariantName, form: 'running' | 'full'): Promise<readonly string[]> {
    return (await checkInvariant(db.database, named(name), form)).sample;
  }

  /** What the check says once a superuser, with triggers off, has planted the fault. */
  async function planted(name: InvariantName, ...faults: string[]): Promise<string> {
    await admin.query('set session_replication_role = replica');
    for (const fault of faults) await admin.query(fault);
    const [running, full] = [await violations(name, 'running'), await violations(name, 'full')];
    expect(running, `${name} after ${faults.join('; ')}`).not.toEqual([]);
    expect(full).toEqual(running);
    return running.join('; ');
  }

  const holdsAgain = async (name: InvariantName, ...repairs: string[]) => {
    for (const repair of repairs) await admin.query(repair);
    for (const form of ['running', 'full'] as const) expect(await violations(name, form)).toEqual([]);
  };

  it.each(['I1', 'I2', 'I3', 'I4', 'I18', 'I33'] as const)('%s holds on what the ledger wrote', async (name) => {
    await holdsAgain(name);
  });

  it('I1 sees a transfer whose account is of another asset, and one with a negative amount', async () => {
    await planted('I1', `update transfers set asset = 'EUR' where amount_minor = 200`);
    await holdsAgain('I1', `update transfers set asset = 'USD'`);
    await planted(
      'I1',
      'alter table transfers drop constraint transfers_amount_minor_check',
      'update transfers set amount_minor = -200 where amount_minor = 200',
    );
    await holdsAgain('I1', 'update transfers set amount_minor = 200 where amount_minor = -200');
  });

  it('I2 sees money that came from nowhere', async () => {
    await planted('I2', `update accounts set posted_credits = posted_credits + 1 where posted_credits = 500`);
    await holdsAgain('I2', 'update accounts set posted_credits = 500 where posted_credits = 501');
  });

  it('I3 sees a counter that its transfers do not explain, though debits equal credits', async () => {
    const both = `posted_credits = posted_credits + 5, posted_debits = posted_debits + 5`;
    await planted('I3', `update accounts set ${both} where overdraft = 'unbounded'`);
    await holdsAgain(
      'I3',
      `update accounts set posted_credits = posted_credits - 5, posted_debits = posted_debits - 5 where overdraft = 'unbounded'`,
    );
  });

  it('I3 reads each transfer once, and none that is still under way is taken for read', async () => {
    const ADVANCE = named('I3').advance;
    if (!ADVANCE) throw new Error('I3 has no checkpoint');
    const pending = transfer(wallet, other, '7');
    await db.database.transaction(async (tx) => {
      const { messages } = await handler.handle([pending], tx);
      await messaging.outbox.stage(tx, messages, () => undefined);
      // Another connection moves the checkpoint and checks while this transaction is open, and again after newer ones.
      expect(await violations('I3', 'running')).toEqual([]);
      await apply(transfer(world, world === wallet ? other : newId('account'), '1'));
      await db.database.rows(ADVANCE);
    });
    const SUMMED = statement('spec.summed', 'select sum(posted_debits)::integer as debits from verified_counters');
    const summed = async () => (await db.database.rows<{ debits: number }>(SUMMED))[0]?.debits;
    // The horizon is the server's: transactions of other specs hold it back as long as they are open.
    await until('every transfer is in the checkpoint', async () => {
      expect(await violations('I3', 'running')).toEqual([]);
      return (await summed()) === 707;
    });
    await db.database.rows(ADVANCE);
    expect(await summed()).toBe(707);
  });

  it('I4 sees an account below its floor', async () => {
    await planted(
      'I4',
      'alter table accounts drop constraint accounts_floor',
      `update accounts set pending_debits = 1000 where overdraft = 'none' and posted_credits = 500`,
    );
    await holdsAgain('I4', 'update accounts set pending_debits = 0');
  });

  it('I18 sees a change without its message, a message without its change, and a transfer without its verdict', async () => {
    const silent = transfer(world, wallet, '11');
    await db.database.transaction((tx) => handler.handle([silent], tx));
    await apply(transfer(world, wallet, '12'));
    expect(await planted('I18')).toMatch(/^verdicts\/[0-9a-f-]{36} has no message$/);
    await holdsAgain(
      'I18',
      'delete from verdicts v using transfers t where t.id = v.id and t.amount_minor = 11',
      'delete from transfers where amount_minor = 11',
    );

    const taken = `create table taken as select v.* from verdicts v join transfers t using (id) where t.amount_minor = 12`;
    expect(await planted('I18', taken, 'delete from verdicts v using taken where taken.id = v.id')).toMatch(
      /^transfers\/\S+ has no verdict; events\/\S+ has no change$/,
    );
    await holdsAgain('I18', 'insert into verdicts select * from taken');

    await planted(
      'I18',
      'create table moved as select * from transfers where amount_minor = 12',
      'delete from transfers where amount_minor = 12',
    );
    await holdsAgain('I18', 'insert into transfers select * from moved');
  });

  it('I18 accepts an answer that is given again, and an id that was used again', async () => {
    const post = transfer(world, wallet, '21');
    await apply(post);
    await apply(post);
    await apply(transfer(world, wallet, '22', post.data.id));
    await holdsAgain('I18');
  });

  it('I19 sees a row that is not published', async () => {
    await planted(
      'I19',
      `insert into outbox select created_at - interval '6 seconds', gen_random_uuid(), topic, partition, messages, message_count, counted, id_sum, claimed_until, null from outbox limit 1`,
    );
    await holdsAgain('I19', 'update outbox set published_at = now()');
  });

  it('I33 sees a card number in a message', async () => {
    const metadata = { note: 'card 4111 1111 1111 1111' };
    await apply(
      command('payflow.account.open.v1', {
        id: newId('account'),
        path: null,
        asset: 'USD',
        overdraft: 'none',
        metadata,
        created_at: now,
      }),
    );
    expect(await violations('I33', 'running')).toEqual([expect.stringMatching(/^outbox\/[0-9a-f-]{36} card_number$/)]);
    expect(await violations('I33', 'full')).toHaveLength(2);
  });
});
