import { uuidOf, type Message } from '@payflow/contracts';
import { checkInvariant, type Invariant } from '@payflow/invariants';
import { configureLogging } from '@payflow/telemetry';
import { createTestDatabase, testMessage, type TestDatabase } from '@payflow/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { countRefused } from '../database/dispute.repository.js';
import { invariants, migrations } from '../database/index.js';
import { DisputeStage, transfersOf } from '../testing/dispute-stage.js';

configureLogging({ level: 'silent' });

const HOUR_S = 3_600;
const I15 = invariants.find(({ name }) => name === 'I15') as Invariant;

let db: TestDatabase;
let stage: DisputeStage;
let payment: Message<'payflow.payment.create.v1'>;
let dispute: string;
let out: ReturnType<typeof transfersOf>[0];

beforeAll(async () => {
  db = await createTestDatabase('payments', migrations);
  stage = new DisputeStage(db.database);
});
afterAll(() => db.drop());
beforeEach(async () => {
  payment = await stage.payment();
  [out] = transfersOf(await stage.take([stage.notice(payment, 'dispute_opened')])) as [typeof out];
  dispute = (await stage.disputes(payment))[0]?.id as string;
});
afterEach(() =>
  db.tamper(`update disputes set leg = 'waived', leg_command_id = null, leg_transfer_id = null, transfer_id = null`),
);

/** As if so long had passed since its movements were asked for. */
const asked = (ago_s: number) =>
  db.tamper(
    `update dispute_legs set asked_at = asked_at - interval '${ago_s} seconds' where dispute_id = '${uuidOf('dispute', dispute)}'`,
  );
const refused = async (transfer = out) => void (await stage.hear([stage.verdict(transfer, 'insufficient_funds')]));
const again = async () => {
  const sweep = testMessage('payflow.dispute.sweep.v1', { id: payment.data.id, dispute }, { tenant: payment.tenant });
  const [transfer] = transfersOf(await stage.take([sweep]));
  return transfer as typeof out;
};
const late = async () => (await checkInvariant(db.database, I15, 'running')).sample;

describe('a movement that the ledger refuses', () => {
  it('has waited since it was asked for at first, however often it was refused since', async () => {
    await refused();
    await asked(5 * HOUR_S);
    await refused(await again());
    const { disputes, seconds } = await countRefused(db.database);
    expect([disputes, Math.floor(seconds / HOUR_S)]).toEqual([1, 5]);
  });

  it('waits on while it is asked for once more', async () => {
    await refused();
    await again();
    expect(await countRefused(db.database)).toMatchObject({ disputes: 1 });
  });

  it('is none that waits when it has never been refused', async () => {
    expect(await countRefused(db.database)).toEqual({ disputes: 0, seconds: 0 });
  });
});

describe('a movement that the ledger does not answer', () => {
  const named = () => `disputes/${uuidOf('dispute', dispute)} is taking, and the ledger does not answer`;

  it('is seen by I15 when the sweeper has had its time', async () => {
    await asked(35);
    expect(await late()).not.toContain(named());
    await asked(10);
    expect(await late()).toContain(named());
    await stage.hear([stage.verdict(out)]);
    expect(await late()).not.toContain(named());
  });
});
