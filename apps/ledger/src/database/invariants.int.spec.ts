import { newId, uuidOf, type InvariantName } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { checkInvariant, type Invariant } from '@payflow/invariants';
import { Messaging } from '@payflow/messaging';
import { createTestDatabase, testBroker, until, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerCommand } from '../domain/decide.js';
import { LedgerCommandsHandler } from '../handlers/ledger-commands.handler.js';
import { CommandsOf, leg, onAnotherChainThan } from '../testing/commands.js';
import { invariants, migrations } from './index.js';

const [wallet, other] = [newId('account'), newId('account')];
const world = onAnotherChainThan(wallet);
const ours = new CommandsOf();
const open = (id: string, overdraft: 'none' | 'unbounded') => ours.open(id, { overdraft });
const transfer = (debit: string, credit: string, amount: string, id = newId('transfer')) =>
  ours.transfer(debit, credit, amount, { id });

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

  async function apply(...commands: readonly LedgerCommand[]): Promise<void> {
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

  it.each(['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I10', 'I18', 'I20', 'I33'] as const)(
    '%s holds on what the ledger wrote',
    async (name) => {
      await holdsAgain(name);
    },
  );

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
      await apply(transfer(world, newId('account'), '1'));
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

  describe('with holds, groups and reversals', () => {
    const hold = ours.hold(world, other, '40');
    const expiring = ours.hold(world, other, '3', { expires_at: '2099-01-01T00:00:00.000Z' });
    const place = { id: hold.data.id, debit: world, credit: other };

    beforeAll(async () => {
      const moved = ours.transfer(world, other, '9');
      await apply(
        hold,
        expiring,
        ours.hold(other, world, '1000000'),
        ours.postHold(place, '15', false),
        moved,
        ours.reverse({ id: moved.data.id, debit: world, credit: other }, '4'),
        ours.group([leg(world, other, '6'), leg(other, world, '6')]),
        ours.group([leg(world, other, '6'), leg(other, world, '1000000')]),
        ours.update(other, { metadata: { note: 'seen' } }),
        ours.defineType('fee'),
        ours.defineType('fee', { if_version: 7 }),
        ours.group([leg(world, other, '8', { type: 'fee' })], { effective_at: new Date().toISOString() }),
        ours.closePeriod('2025-12'),
        ours.closePeriod('2026-02'),
      );
      await apply(ours.voidHold(place), ours.voidHold(place));
    });

    it.each(['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I10', 'I18', 'I35'] as const)(
      '%s still holds',
      async (name) => {
        await holdsAgain(name);
      },
    );

    it('I3 sees a pending counter that no hold explains', async () => {
      await planted('I3', `update accounts set pending_debits = 4 where pending_debits = 3`);
      await holdsAgain('I3', 'update accounts set pending_debits = 3 where pending_debits = 4');
    });

    it('I5 sees a transfer that is booked twice', async () => {
      await planted(
        'I5',
        `insert into transfers (tenant_id, livemode, id, recorded_at, debit_account_id, credit_account_id, amount_minor, asset, chain,
           chain_position, chain_hash)
         select tenant_id, livemode, id, recorded_at + interval '1 millisecond', debit_account_id, credit_account_id, amount_minor, asset,
           chain, chain_position, chain_hash
         from transfers where amount_minor = 9`,
      );
      await holdsAgain(
        'I5',
        `delete from transfers t using transfers o where o.id = t.id and o.recorded_at < t.recorded_at and t.amount_minor = 9`,
      );
    });

    it('I5 sees a transfer that is kept as moved back less, or more, than it was, and one of which nothing is kept', async () => {
      const wrong = [expect.stringMatching(/^transfers\/[0-9a-f-]{36} is not moved back as far as is kept$/)];
      const found = async (change: string) => {
        await admin.query('set session_replication_role = replica');
        await admin.query(change);
        return violations('I5', 'full');
      };
      expect(await found('update reversals set reversed_minor = 3 where reversed_minor = 4')).toEqual(wrong);
      expect(await found('update reversals set reversed_minor = 9 where reversed_minor = 3')).toEqual(wrong);
      expect(await found('update reversals set reversed_minor = 4 where reversed_minor = 9')).toEqual([]);
      expect(await found('create table kept_back as table reversals; delete from reversals')).toEqual(wrong);
      await holdsAgain('I5', 'insert into reversals select * from kept_back', 'drop table kept_back');
    });

    it('I6 sees a group that lost a leg, and one that another transaction has added to', async () => {
      await planted('I6', `update transfers set group_id = null where group_id is not null and amount_minor = 4`);
      await holdsAgain(
        'I6',
        `update transfers set group_id = v.id from verdicts v where v.kind = 'group' and v.event_type like '%posted%'
           and v.event_data like '%"amount":"4"%' and amount_minor = 4`,
      );
      await planted('I6', `update transfers set xact_id = pg_current_xact_id() where amount_minor = 4`);
      await holdsAgain(
        'I6',
        `update transfers t set xact_id = v.xact_id from verdicts v where v.id = t.group_id and v.kind = 'group'`,
      );
    });

    describe('I7 names the row', () => {
      const NINE = 'amount_minor = 9';
      const uuidOfNine = async () =>
        (await admin.query<{ id: string }>(`select id from transfers where ${NINE}`)).rows[0]?.id;

      it.each([
        ['reverses_id = id', 'reverses_id = null'],
        [
          `recorded_at = recorded_at + interval '1 millisecond'`,
          `recorded_at = recorded_at - interval '1 millisecond'`,
        ],
        [
          `recorded_at = recorded_at + interval '1 microsecond'`,
          `recorded_at = recorded_at - interval '1 microsecond'`,
        ],
        [`effective_at = '-infinity'`, 'effective_at = null'],
      ])('that was changed by %s', async (change, back) => {
        const row = `transfers/${await uuidOfNine()}`;
        expect(await planted('I7', `update transfers set ${change} where ${NINE}`)).toBe(row);
        await holdsAgain('I7', `update transfers set ${back} where ${NINE}`);
      });

      it('that follows on one that was deleted', async () => {
        const { rows } = await admin.query<{ id: string }>(
          `select n.id from transfers n join transfers t on n.chain = t.chain and n.chain_position = t.chain_position + 1 where t.${NINE}`,
        );
        const kept = `create table kept as select * from transfers where ${NINE}`;
        expect(await planted('I7', kept, `delete from transfers where ${NINE}`)).toBe(`transfers/${rows[0]?.id}`);
        await holdsAgain('I7', 'insert into transfers select * from kept');
      });

      it('that was slipped in, whatever hash it brings', async () => {
        const found = await planted(
          'I7',
          `insert into transfers (tenant_id, livemode, id, recorded_at, debit_account_id, credit_account_id, amount_minor, asset, chain,
             chain_position, chain_hash)
           select tenant_id, livemode, gen_random_uuid(), recorded_at, debit_account_id, credit_account_id, 777, asset, chain,
             chain_position, chain_hash from transfers where ${NINE}`,
        );
        const { rows } = await admin.query<{ id: string }>('select id from transfers where amount_minor = 777');
        expect(found).toContain(`transfers/${rows[0]?.id}`);
        await holdsAgain('I7', 'delete from transfers where amount_minor = 777');
      });

      it('of each of two that changed places', async () => {
        const swap = `update transfers t set amount_minor = o.amount_minor from transfers o
          where t.amount_minor in (9, 15) and o.amount_minor in (9, 15) and t.amount_minor <> o.amount_minor`;
        expect((await planted('I7', swap)).split('; ')).toHaveLength(2);
        await holdsAgain('I7', swap);
      });

      it('and the chain whose end was cut off, or whose head was moved or taken away', async () => {
        const head = `update chains set position = position + 1 where position > 0`;
        expect(await planted('I7', head)).toMatch(/^chains\//);
        await holdsAgain('I7', `update chains set position = position - 1 where position > 0`);
        await admin.query(
          'create table heads as select * from chains where chain = 3; delete from chains where chain = 3',
        );
        expect(await violations('I7', 'full')).toEqual(['chains/3']);
        await holdsAgain('I7', 'insert into chains select * from heads', 'drop table heads');
      });
    });

    it('I10 sees a hold whose time is over, and one whose postings do not add up', async () => {
      const uuid = uuidOf('hold', expiring.data.id);
      await planted(
        'I10',
        `update holds set expires_at = clock_timestamp() - interval '6 seconds' where id = '${uuid}'`,
      );
      await holdsAgain('I10', `update holds set expires_at = '2099-01-01' where id = '${uuid}'`);
      await admin.query(`update holds set posted_minor = 16 where id = '${uuidOf('hold', hold.data.id)}'`);
      expect(await violations('I10', 'full')).toEqual([`holds/${uuidOf('hold', hold.data.id)}`]);
      await holdsAgain('I10', `update holds set posted_minor = 15 where id = '${uuidOf('hold', hold.data.id)}'`);
    });
  });

  it('I4 sees an account below its floor', async () => {
    await planted(
      'I4',
      'alter table accounts drop constraint accounts_floor',
      `update accounts set pending_debits = 1000 where overdraft = 'none' and posted_credits = 500`,
    );
    await holdsAgain('I4', 'update accounts set pending_debits = 0');
  });

  it('I20 sees a transfer and a hold without their marks, and a mark that another transaction left', async () => {
    await apply(ours.hold(world, other, '21'), transfer(world, wallet, '22'));
    const of22 = `from transfers t where t.id = v.id and v.kind = 'transfer' and t.amount_minor = 22`;
    expect(await planted('I20', `update verdicts v set xact_id = '1' ${of22}`)).toMatch(
      /^transfers\/[0-9a-f-]{36} has no mark of its transaction$/,
    );
    await holdsAgain('I20', `update verdicts v set xact_id = t.xact_id ${of22}`);
    const of21 = `holds h where h.id = v.id and h.amount_minor = 21`;
    expect(
      await planted(
        'I20',
        `create table unmarked as select v.* from verdicts v, ${of21}`,
        `delete from verdicts v using ${of21}`,
      ),
    ).toMatch(/^holds\/[0-9a-f-]{36} has no mark$/);
    await holdsAgain('I20', 'insert into verdicts select * from unmarked', 'drop table unmarked');
  });

  it('I20 sees a verdict that tells another amount than was moved', async () => {
    const [single, part] = [transfer(world, wallet, '23'), leg(world, wallet, '24')];
    const held = ours.hold(world, other, '40');
    const posting = ours.postHold({ id: held.data.id, debit: world, credit: other }, '25');
    const group = ours.group([part, leg(world, other, '3')]);
    await apply(single, group, held, posting);
    await admin.query('set session_replication_role = replica');
    const ofGroup = [`groups/${uuidOf('group', group.data.id)} tells other legs than were posted`];
    for (const [id, amount, more] of [
      [single.data.id, '23', []],
      [part.id, '24', ofGroup],
      [posting.data.id, '25', []],
    ] as const) {
      const told = (from: string, to: string) =>
        `update verdicts set event_data = replace(event_data, '"${from}"', '"${to}"') where kind = 'transfer' and id = '${uuidOf('transfer', id)}'`;
      await admin.query(told(amount, '2300'));
      const ofTransfer = `transfers/${uuidOf('transfer', id)} has another amount in its mark`;
      expect(await violations('I20', 'full')).toEqual([ofTransfer, ...more]);
      await holdsAgain('I20', told('2300', amount));
    }
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

  it('I6 and I18 hold on corrections and changes of metadata, and on refused ones', async () => {
    const mistaken = transfer(world, wallet, '7');
    const place = { id: mistaken.data.id, debit: world, credit: wallet };
    await apply(mistaken, ours.correct(place, '5'), ours.annotate(place, { a: 'b' }, 1), ours.annotate(place, {}, 1));
    await apply(ours.correct(place, '4'), ours.annotate(place, {}, 2));
    for (const name of ['I6', 'I18'] as const) await holdsAgain(name);
  });

  it('I18 accepts an answer that is given again, and an id that was used again', async () => {
    const post = transfer(world, wallet, '21');
    await apply(post);
    await apply(post);
    await apply(transfer(world, wallet, '22', post.data.id));
    await holdsAgain('I18');
  });

  it('I18 accepts what is told of an overdraft, and sees what no command did', async () => {
    const credit = newId('account');
    await apply(ours.open(credit, { overdraft: 'limited', overdraft_limit: '9' }), transfer(credit, world, '9'));
    await holdsAgain('I18');
    const drawn = `messages like '%overdraft_drawn%'`;
    const caused = (by: string) => `regexp_replace(messages, '("causationId":")[^"]+', '\\1${by}', 'g')`;
    const untold = `accounts/${credit} has an overdraft that was not told`;
    const unfounded = expect.stringMatching(/^events\/\S+ has no change$/) as unknown;
    await admin.query(`create table told as select id, messages from outbox where ${drawn}`);
    await admin.query(`update outbox set messages = ${caused(newId('event'))} where ${drawn}`);
    // The verdicts of the row seem to answer it as well.
    const misled = expect.stringMatching(/^verdicts\/\S+ is not what its message says$/) as unknown;
    expect(await violations('I18', 'running')).toEqual([misled, misled, unfounded]);
    expect(await violations('I18', 'full')).toEqual([misled, misled, unfounded, untold]);
    await holdsAgain('I18', 'update outbox o set messages = told.messages from told where told.id = o.id');
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
    await apply(ours.open(newId('account'), { metadata }));
    expect(await violations('I33', 'running')).toEqual([expect.stringMatching(/^outbox\/[0-9a-f-]{36} card_number$/)]);
    // With it the account, and the history of its metadata.
    expect(await violations('I33', 'full')).toHaveLength(3);
  });
});
