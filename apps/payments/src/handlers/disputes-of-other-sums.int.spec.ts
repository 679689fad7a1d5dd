import type { Message, NoticeKind } from '@payflow/contracts';
import { configureLogging } from '@payflow/telemetry';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { DisputeStage, transfersOf } from '../testing/dispute-stage.js';

type Create = Message<'payflow.payment.create.v1'>;
type Sum = { readonly amount: string | null; readonly asset?: string };

interface Alarm {
  readonly level: string;
  readonly msg: string;
  readonly amount?: string;
  readonly booked?: string;
}

const lines: string[] = [];
configureLogging({ level: 'error', stream: { write: (line: string) => void lines.push(line) } });

let db: TestDatabase;
let stage: DisputeStage;
/** Its dispute is of 40, and they are taken. */
let payment: Create;
beforeAll(async () => {
  db = await createTestDatabase('payments', migrations);
  stage = new DisputeStage(db.database);
});
afterAll(() => db.drop());
beforeEach(async () => {
  payment = await stage.payment();
  const [out] = transfersOf(await stage.take([stage.notice(payment, 'dispute_opened', { asset: 'USD' })]));
  await stage.hear([stage.verdict(out as never)]);
  lines.length = 0;
});

const told = async (kind: NoticeKind, sum: Sum) => {
  const messages = await stage.take([stage.notice(payment, kind, sum)]);
  return messages.map(({ type }) => type.replace(/^payflow\.|\.v1$/g, ''));
};
const alarms = () => lines.map((line) => JSON.parse(line) as Alarm).filter(({ msg }) => msg.startsWith('ALARM'));
const stands = async () => (await stage.disputes(payment)).map(({ status, leg }) => `${status} ${leg}`);
const believed = async () => (await stage.evidence(payment)).at(-1)?.believed;

describe('a word on a dispute that is of another sum than it', () => {
  it.each<[NoticeKind, string, Sum]>([
    ['dispute_won', 'a part', { amount: '15', asset: 'USD' }],
    ['dispute_won', 'nothing', { amount: '0', asset: 'USD' }],
    ['dispute_won', 'another asset', { amount: '40', asset: 'EUR' }],
    ['dispute_won', 'more than can be counted', { amount: '9223372036854775808' }],
    ['dispute_lost', 'a part', { amount: '15', asset: 'USD' }],
    ['dispute_lost', 'another asset', { amount: '40', asset: 'EUR' }],
    ['dispute_opened', 'another asset', { amount: '40', asset: 'EUR' }],
  ])('%s, of %s, moves nothing, and is alarmed', async (kind, _what, sum) => {
    expect(await told(kind, sum)).toEqual([]);
    expect([await stands(), await believed()]).toEqual([['needs_response taken'], false]);
    expect(alarms()).toHaveLength(1);
    // Its provider has looked again.
    expect(await told('dispute_won', { amount: '40', asset: 'USD' })).toEqual(['dispute.won', 'transfer.post']);
  });

  it('won, of more than is booked, gives back what is booked, and is alarmed with both sums', async () => {
    const messages = await stage.take([stage.notice(payment, 'dispute_won', { amount: '60', asset: 'USD' })]);
    expect(transfersOf(messages)[0]?.data).toMatchObject({ amount: '40' });
    expect([await stands(), await believed()]).toEqual([['won returning'], true]);
    expect(alarms()).toMatchObject([{ amount: '60', booked: '40' }]);
  });

  it.each(['60', '15'])('opened again, of %s, books nothing more, and is alarmed with both sums', async (amount) => {
    expect(await told('dispute_opened', { amount, asset: 'USD' })).toEqual([]);
    expect([await stands(), await believed()]).toEqual([['needs_response taken'], false]);
    expect(alarms()).toMatchObject([{ amount, booked: '40' }]);
  });

  it.each<[NoticeKind, Sum]>([
    ['dispute_opened', { amount: '40', asset: 'USD' }],
    ['dispute_opened', { amount: null }],
    ['dispute_lost', { amount: null, asset: 'USD' }],
    ['dispute_won', { amount: '40' }],
  ])('is none: %s of %o', async (kind, sum) => {
    await told(kind, sum);
    expect(alarms()).toEqual([]);
  });
});
