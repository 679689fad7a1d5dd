import { newId, newUuid, uuidOf, type InvariantName } from '@payflow/contracts';
import { LedgerCommandsHandler } from '@payflow/ledger/commands-handler';
import { Messaging } from '@payflow/messaging';
import { createTestDatabase, openAccount, testBroker, testMessage, type TestDatabase } from '@payflow/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MIGRATIONS } from '../installation.js';
import { verify } from './verify.js';

interface Finding {
  readonly service: string;
  readonly invariant: InvariantName;
  readonly violations: number;
  readonly sample: readonly string[];
}

describe('payflow verify ledger', () => {
  const [payer, payee] = [newId('account'), newId('account')];
  let db: TestDatabase;
  /** UUIDs, in the order in which they were booked. */
  let transfers: [string, string, string];

  beforeEach(async () => {
    db = await createTestDatabase('ledger', MIGRATIONS.ledger);
    await db.tamper('select ensure_partitions(1)');
    const handler = new LedgerCommandsHandler();
    // Never started: what is told stays in the outbox.
    const messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
    const opening = openAccount(payer);
    const pays = Array.from({ length: 3 }, () => transfer());
    transfers = pays.map(({ data }) => uuidOf('transfer', data.id)) as typeof transfers;
    await db.database.transaction(async (tx) => {
      const unbounded = { ...opening, data: { ...opening.data, overdraft: 'unbounded' as const } };
      const { messages } = await handler.handle([unbounded, openAccount(payee), ...pays], tx);
      await messaging.outbox.stage(tx, messages, () => undefined);
    });
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    process.exitCode = undefined;
    await db.drop();
  });

  const transfer = () =>
    testMessage('payflow.transfer.post.v1', {
      id: newId('transfer'),
      payment: null,
      debit_account: payer,
      credit_account: payee,
      amount: '100',
      asset: 'USD',
      valid_until: null,
    });

  /** What it says, and what it leaves to whoever asked. */
  async function verified() {
    vi.stubEnv('LEDGER_DATABASE_URL', db.url);
    let said = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((said += String(text)), true));
    await verify('ledger', { json: true });
    const findings = JSON.parse(said) as readonly Finding[];
    return { findings, broken: findings.filter(({ violations }) => violations > 0), exitCode: process.exitCode };
  }

  it('ends well where all is well', async () => {
    const { findings, broken, exitCode } = await verified();
    expect(broken).toEqual([]);
    expect(findings.map(({ invariant }) => invariant)).toEqual(
      expect.arrayContaining(['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I10', 'I16', 'I18', 'I20', 'I35']),
    );
    expect(exitCode).toBeUndefined();
  });

  const forged = newUuid();
  it.each<[string, (ids: typeof transfers) => string, (ids: typeof transfers) => string]>([
    [
      'an amount that was changed',
      ([, second]) => `update transfers set amount_minor = 900 where id = '${second}'`,
      ([, second]) => second,
    ],
    [
      'a row that was deleted, by the one behind it',
      ([, second]) => `delete from transfers where id = '${second}'`,
      ([, , third]) => third,
    ],
    [
      'a row that was inserted',
      ([
        ,
        ,
        third,
      ]) => `insert into transfers (tenant_id, livemode, id, recorded_at, debit_account_id, credit_account_id, amount_minor,
          asset, chain, chain_position, chain_hash)
        select tenant_id, livemode, '${forged}', recorded_at, debit_account_id, credit_account_id, amount_minor, asset, chain,
          chain_position + 1, chain_hash from transfers where id = '${third}'`,
      () => forged,
    ],
  ])('names %s, and exits with 1', async (_, change, named) => {
    await db.tamper(change(transfers));
    const { broken, exitCode } = await verified();
    const proof = broken.find(({ service, invariant }) => service === 'ledger' && invariant === 'I7');
    expect(proof?.sample).toContain(`transfers/${named(transfers)}`);
    // Nobody forges a counter with it: the accounts are named too.
    const counters = broken.find(({ invariant }) => invariant === 'I3');
    expect(counters?.sample).toEqual(
      expect.arrayContaining([payer, payee].map((id) => `accounts/${uuidOf('account', id)}`)),
    );
    expect(exitCode).toBe(1);
  });

  it('says it in words too', async () => {
    await db.tamper(`update transfers set amount_minor = 900 where id = '${transfers[0]}'`);
    vi.stubEnv('LEDGER_DATABASE_URL', db.url);
    let said = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((said += String(text)), true));
    await verify('ledger', {});
    expect(said).toMatch(new RegExp(`BROKEN +I7 +ledger +.*transfers/${transfers[0]}`));
    expect(process.exitCode).toBe(1);
  });
});
