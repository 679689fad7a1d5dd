import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import type { CheckResult } from '@payflow/invariants';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invariants } from './database/index.js';
import { SEAL_INTERVAL_MS } from './sealer.js';
import { SnapshotRollup, TRANSFERS_PER_SNAPSHOT } from './snapshot-rollup.js';
import { CommandsOf } from './testing/commands.js';
import { LedgerUnderTest } from './testing/ledger-under-test.js';

/** Checks rest for as long as those of a service that has little to do. With all of them that is a minute and more. */
const CHECKED_WITHIN_MS = 120_000;
const TEST_TIMEOUT_MS = 300_000;
const ALWAYS_CHECKED = ['I1', 'I2', 'I3', 'I4', 'I7'];
const SNAPSHOTS = statement(
  'spec.snapshots',
  'select count(*)::integer as count from balance_snapshots where account_id = any ($1::uuid[])',
);

describe('a ledger that runs', () => {
  let ledger: LedgerUnderTest;
  const ours = new CommandsOf();
  const [world, wallet] = [newId('account'), newId('account')];
  beforeAll(async () => {
    ledger = await LedgerUnderTest.open(invariants.filter(({ name }) => ALWAYS_CHECKED.includes(name)));
    await ledger.handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)]);
  });
  afterAll(() => ledger?.close());

  it('adds snapshots of the accounts that moved a lot', async () => {
    const pays = () => Array.from({ length: TRANSFERS_PER_SNAPSHOT }, () => ours.transfer(world, wallet, '1'));
    // Two batches: what is of the instant of an account's last change is not final.
    for (const batch of [pays(), pays()]) await ledger.handle(batch);
    const rollup = ledger.running.app.get(SnapshotRollup);
    // What is final is the server's to say: transactions of other specs hold it back as long as they are open.
    await until('both accounts have one', async () => {
      await rollup.rollUp();
      const [row] = await ledger.db.database.rows<{ count: number }>(SNAPSHOTS, [
        [world, wallet].map((id) => uuidOf('account', id)),
      ]);
      return row?.count === 2;
    });
  });

  it(
    'checks its books all the time, and sees a counter that nobody booked',
    async () => {
      const resultOf = async (name: string) =>
        (await ledger.internal<{ data: CheckResult[] }>('invariants')).data.find(({ invariant }) => invariant === name);
      for (const name of ALWAYS_CHECKED) {
        await until(`${name} was checked`, async () => (await resultOf(name))?.checked_at, CHECKED_WITHIN_MS);
        expect(await resultOf(name), name).toMatchObject({ violations: 0, violated_at: null, error: null });
      }
      const uuid = uuidOf('account', wallet);
      await ledger.db.tamper(`update accounts set posted_credits = posted_credits + 1 where id = '${uuid}'`);
      for (const name of ['I2', 'I3'])
        await until(`${name} is broken`, async () => (await resultOf(name))?.violated_at, CHECKED_WITHIN_MS);
      expect((await resultOf('I2'))?.violated_sample).toEqual([`${uuidOf('tenant', ours.tenant)}/test/USD`]);
      expect((await resultOf('I3'))?.violated_sample).toEqual([`accounts/${uuid}`]);
    },
    TEST_TIMEOUT_MS,
  );

  it('publishes the head of its log each minute', () => {
    expect(SEAL_INTERVAL_MS).toBe(60_000);
  });
});
