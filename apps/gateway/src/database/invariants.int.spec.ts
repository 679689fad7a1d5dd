import { createHash } from 'node:crypto';
import { newId, uuidOf, type InvariantName } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { checkInvariant, type Invariant } from '@payflow/invariants';
import { Messaging } from '@payflow/messaging';
import { createTestDatabase, testBroker, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Acceptor, type Door } from '../acceptance/acceptor.js';
import { BulkAcceptor } from '../acceptance/bulk-acceptor.js';
import type { Acceptable, GroupWrite, PostWrite, Write } from '../acceptance/acceptable.js';
import type { PaymentView } from '../domain/payment.js';
import { accountUpdateWrite } from '../http/ledger/account-update.request.js';
import { accountWrite } from '../http/ledger/account.request.js';
import { holdPostWrite, holdVoidWrite, holdWrite } from '../http/ledger/hold.request.js';
import {
  cancelWrite,
  captureWrite,
  confirmWrite,
  incrementWrite,
  refundWrite,
} from '../http/payments/operation.request.js';
import { reversalWrite } from '../http/ledger/reversal.request.js';
import { transferWrite } from '../http/ledger/transfer.request.js';
import { callerOf } from '../testing/caller.js';
import { invariants, migrations } from './index.js';

const tenant = newId('tenant');
const [source, destination] = [newId('account'), newId('account')];
const DAY_MS = 86_400_000;

function payment(metadata: Record<string, string> = {}): Acceptable & { readonly uuid: string } {
  const [id, now] = [newId('payment'), new Date().toISOString()];
  const facts = {
    id,
    source,
    destination,
    amount: '100',
    asset: 'USD',
    method: { type: 'internal' as const },
    reference: null,
    metadata,
  };
  const view = {
    ...facts,
    tenant,
    livemode: false,
    status: 'pending' as const,
    version: 0,
    amountAuthorized: null,
    amountCaptured: '0',
    amountRefunded: '0',
    capture: 'automatic' as const,
    nextAction: null,
    authorizedUntil: null,
    customer: null,
    retryOf: null,
    division: null,
    failureCode: null,
    traceId: null,
    createdAt: now,
    updatedAt: now,
  };
  const command = {
    ...facts,
    sequence: 1,
    capture: 'automatic' as const,
    created_at: now,
    expires_at: new Date(Date.now() + DAY_MS).toISOString(),
  };
  return {
    uuid: uuidOf('payment', id),
    tenant,
    livemode: false,
    actor: newId('apiKey'),
    idempotencyKey: id,
    fingerprint: createHash('sha256').update(id).digest(),
    apiVersion: '2026-11-20',
    requestId: 'spec',
    traceparent: undefined,
    write: { kind: 'payment', type: 'payflow.payment.create.v1', view, command },
  };
}

/** One of each, as the edge makes them. */
function writesOfAllKinds(): Write[] {
  const [now, caller] = [new Date(), callerOf({ tenant, livemode: false })];
  const terms = { debit_account: source, credit_account: destination, amount: '100', asset: 'USD' };
  const account = accountWrite({ asset: 'USD' }, caller, now);
  const transfer = transferWrite(terms, caller, now) as PostWrite;
  const hold = holdWrite(terms, caller, now);
  const placed = { ...hold.view, status: 'pending' as const };
  return [
    account,
    transfer,
    transferWrite({ legs: [terms] }, caller, now),
    reversalWrite({ original: { ...transfer.view, status: 'posted' }, ifVersion: null }, {}, caller, now),
    hold,
    holdPostWrite({ hold: placed, ifVersion: null }, {}, caller, now),
    holdVoidWrite({ hold: placed, ifVersion: null }, {}, caller, now),
    accountUpdateWrite(
      { account: { ...account.view, status: 'open' }, ifVersion: null },
      { state: 'frozen' },
      caller,
      now,
    ),
  ];
}

/** One of each that can be asked of a payment. */
function wishesOf({ write }: Acceptable): Write[] {
  const [now, caller] = [new Date(), callerOf({ tenant, livemode: false })];
  const asked = { payment: write.view as PaymentView, ifVersion: null };
  return [
    confirmWrite(asked, {}, caller, now),
    incrementWrite(asked, { amount: '1' }, caller, now),
    captureWrite(asked, {}, caller, now),
    cancelWrite(asked, {}, caller, now),
    refundWrite(asked, {}, caller, now),
  ];
}

/** The view that something must wait for, by its table and UUID. */
function viewOf(write: Write): [table: string | undefined, uuid: string] {
  if (write.kind === 'transfer') return ['transfer_views', uuidOf('transfer', write.view.id)];
  if (write.kind === 'hold') return ['hold_views', uuidOf('hold', write.view.id)];
  if (write.kind === 'group') return ['transfer_views', uuidOf('transfer', write.view.transfers[0]?.id ?? '')];
  return [undefined, ''];
}

const named = (name: InvariantName) => invariants.find((one) => one.name === name) as Invariant;

describe("the gateway's invariants", () => {
  let db: TestDatabase;
  let admin: Client;
  let messaging: Messaging;

  beforeAll(async () => {
    db = await createTestDatabase('gateway', migrations);
    await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
    admin = new Client({ connectionString: db.adminUrl });
    await admin.connect();
    await admin.query('set session_replication_role = replica');
    await admin.query(`insert into tenants (id, name) values ('${uuidOf('tenant', tenant)}', 'spec')`);
    // Never started: rows are staged as always, and stay in the outbox.
    messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
  });
  afterAll(async () => {
    await admin.end();
    await db.drop();
  });

  async function accept<T extends Acceptable>(one: T): Promise<T> {
    await new Acceptor({ db: db.database, messaging, partitions: 'single', changing: (_, work) => work() }).accept([
      one,
    ]);
    return one;
  }

  async function sample(name: InvariantName): Promise<string> {
    const running = (await checkInvariant(db.database, named(name), 'running')).sample;
    expect((await checkInvariant(db.database, named(name), 'full')).sample).toEqual(running);
    return running.join('; ');
  }

  it('hold on what the gateway accepted', async () => {
    const paid = await accept(payment());
    for (const write of [...writesOfAllKinds(), ...wishesOf(paid)]) await accept({ ...payment(), write });
    for (const { name } of invariants.filter(({ name }) => name !== 'I19')) expect(await sample(name), name).toBe('');
  });

  it('I20 sees a mark without what was applied under it', async () => {
    await admin.query(`insert into inbox (consumer_group, event_id, content_hash) values ('gateway.accounts', $1, 0)`, [
      uuidOf('event', newId('event')),
    ]);
    expect(await sample('I20')).toMatch(/^inbox\/gateway.accounts\/[0-9-]{10}: 1 marks for 0 messages$/);
    await admin.query('delete from inbox');
    expect(await sample('I20')).toBe('');
  });

  it('I11 sees an acknowledged payment that is gone, and one that nobody waits for', async () => {
    const { uuid } = await accept(payment());
    await admin.query(`create table gone as select * from payment_views where id = '${uuid}'`);
    await admin.query(`delete from payment_views where id = '${uuid}'`);
    expect(await sample('I11')).toBe(`pending_writes/${uuid} has no payment`);
    await admin.query('insert into payment_views select * from gone');
    await admin.query(`delete from pending_writes where resource_id = '${uuid}'`);
    expect(await sample('I11')).toBe(`payment_views/${uuid} is waited for by nobody`);
    await admin.query(`update payment_views set status = 'succeeded' where id = '${uuid}'`);
    expect(await sample('I11')).toBe('');
  });

  it('I11 sees a transfer, a leg and a hold that nobody waits for', async () => {
    for (const write of writesOfAllKinds()) {
      const [table, uuid] = viewOf(write);
      await accept({ ...payment(), write });
      if (!table) continue;
      await admin.query('create temp table waits as select * from pending_writes');
      await admin.query(`delete from pending_writes where command_id = '${uuidOf('event', write.commandId ?? '')}'`);
      const { sample: seen } = await checkInvariant(db.database, named('I11'), 'running');
      expect(seen).toEqual([`${table}/${uuid} is waited for by nobody`]);
      expect((await checkInvariant(db.database, named('I11'), 'full')).sample).toEqual(
        expect.arrayContaining([...seen]),
      );
      await admin.query('insert into pending_writes select * from waits on conflict do nothing');
      await admin.query('drop table waits');
      expect(await sample('I11')).toBe('');
    }
  });

  it('I11 sees a group that nobody waits for, though its transfers have ended', async () => {
    const write = writesOfAllKinds().find(({ kind }) => kind === 'group') as GroupWrite;
    await accept({ ...payment(), write });
    const [group, leg] = [uuidOf('group', write.view.id), uuidOf('transfer', write.view.transfers[0]?.id ?? '')];
    await admin.query(`delete from pending_writes where resource_id = '${group}'`);
    await admin.query(`update transfer_views set status = 'posted', recorded_at = now() where id = '${leg}'`);
    const { sample: full } = await checkInvariant(db.database, named('I11'), 'full');
    expect(full).toEqual([`transfer_group_views/${group} is waited for by nobody`]);
    await admin.query(`update transfer_group_views set status = 'posted', recorded_at = now() where id = '${group}'`);
    expect(await sample('I11')).toBe('');
  });

  it('I11 sees what was asked of a payment and nobody waits for, and what is waited for and gone', async () => {
    const refund = wishesOf(await accept(payment())).at(-1) as Write;
    await accept({ ...payment(), write: refund });
    const uuid = uuidOf('refund', refund.view.id);
    await admin.query(`create table gone_wish as select * from payment_operation_views where id = '${uuid}'`);
    await admin.query(`delete from payment_operation_views where id = '${uuid}'`);
    expect(await sample('I11')).toBe(`pending_writes/${uuid} has no refund`);
    await admin.query('insert into payment_operation_views select * from gone_wish');
    await admin.query(`delete from pending_writes where resource_id = '${uuid}'`);
    const { sample: full } = await checkInvariant(db.database, named('I11'), 'full');
    expect(full).toEqual([`payment_operation_views/${uuid} is waited for by nobody`]);
    await admin.query(`update payment_operation_views set status = 'succeeded' where id = '${uuid}'`);
    expect(await sample('I11')).toBe('');
  });

  it('I15 sees what is past its deadline, and what nobody sweeps', async () => {
    const { uuid } = await accept(payment());
    await admin.query(
      `update pending_writes set accepted_at = now() - interval '66 seconds' where resource_id = '${uuid}'`,
    );
    expect(await sample('I15')).toBe(`pending_writes/${uuid} is not swept`);
    await admin.query(`update pending_writes set republished_at = now() where resource_id = '${uuid}'`);
    expect(await sample('I15')).toBe('');
    await admin.query(
      `update pending_writes set accepted_at = now() - interval '24 hours 31 seconds' where resource_id = '${uuid}'`,
    );
    expect(await sample('I15')).toBe(`pending_writes/${uuid} is past its deadline`);
    await admin.query(`update pending_writes set accepted_at = now() where resource_id = '${uuid}'`);
  });

  it('I18 sees a key that was taken in silence, and a command that no key stands for', async () => {
    const silent = await accept(payment());
    await admin.query(
      `create table told as select * from outbox where messages::text like '%${silent.idempotencyKey}%'`,
    );
    await admin.query(`delete from outbox where messages::text like '%${silent.idempotencyKey}%'`);
    expect(await sample('I18')).toBe(`idempotency_records/${silent.uuid} has no message`);
    await admin.query('insert into outbox select * from told');
    expect(await sample('I18')).toBe('');
    await admin.query(
      `update idempotency_records set xact_id = pg_current_xact_id() where resource_id = '${silent.uuid}'`,
    );
    expect(await sample('I18')).toMatch(/^idempotency_records\/\S+ has no message; events\/\S+ has no change$/);
    await admin.query('update idempotency_records r set xact_id = told.xact_id from told where r.resource_id = $1', [
      silent.uuid,
    ]);
  });

  /** Two transfers in one bulk, as the edge plans it. */
  async function acceptBulk(): Promise<string> {
    const id = newId('bulk');
    const transfers = [...writesOfAllKinds(), ...writesOfAllKinds()]
      .filter((write): write is PostWrite => write.type === 'payflow.group.post.v1' && write.kind === 'transfer')
      .map((write) => ({ write, contentHash: null }));
    const view = {
      tenant,
      livemode: false,
      id,
      mode: 'independent' as const,
      transfers: transfers.map(({ write }) => write.view.id),
      problems: [],
      stoppedAt: null,
      createdAt: new Date().toISOString(),
    };
    const plan = { view, transfers, group: undefined };
    const door: Door = { db: db.database, messaging, partitions: 'single', changing: (_, work) => work() };
    await new BulkAcceptor(door).accept({ ...payment(), write: { kind: 'bulk', view }, plan });
    return uuidOf('bulk', id);
  }

  it('I11 sees a bulk that waits for more, or for less, than is on its way', async () => {
    const uuid = await acceptBulk();
    expect(await sample('I11')).toBe('');
    await admin.query(`update transfer_bulk_views set pending = 1 where id = '${uuid}'`);
    const { sample: full } = await checkInvariant(db.database, named('I11'), 'full');
    expect(full).toEqual([`transfer_bulk_views/${uuid} waits for 1, and 2 are pending`]);
    await admin.query(`update transfer_bulk_views set pending = 2 where id = '${uuid}'`);
    expect(await sample('I11')).toBe('');
  });

  it('I18 sees a bulk with fewer messages than it has commands', async () => {
    const uuid = await acceptBulk();
    expect(await sample('I18')).toBe('');
    await admin.query(`update transfer_bulk_views set commands = 3 where id = '${uuid}'`);
    expect(await sample('I18')).toBe(`transfer_bulk_views/${uuid} has not as many messages as commands`);
    await admin.query(`update transfer_bulk_views set commands = 2 where id = '${uuid}'`);
  });

  it('I33 sees a card number in a reply', async () => {
    const { uuid } = await accept(payment());
    const body = JSON.stringify({ id: 'x', amount: '100', reference: '4012 8888 8888 1881' });
    await admin.query(
      `update idempotency_records set reply_status = 201, reply_headers = '{}', reply_body = $1 where resource_id = $2`,
      [body, uuid],
    );
    expect(await sample('I33')).toBe(`idempotency_records/${uuid} card_number`);
  });
});
