import { newId, uuidOf, type MessageData } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { checkInvariant } from '@payflow/invariants';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { invariants } from '../database/index.js';
import { CommandsOf, leg } from '../testing/commands.js';
import { LedgerUnderTest } from '../testing/ledger-under-test.js';

type Posted = MessageData['payflow.group.posted.v1'];
const SCOPES = ['transfers:read'];
const JANUARY = '2026-01-15T00:00:00.000Z';
let ledger: LedgerUnderTest;
const ours = new CommandsOf();

beforeAll(async () => {
  ledger = await LedgerUnderTest.open();
});
afterAll(() => ledger.close());

/** A transfer of 100 that counts in January. */
async function posted() {
  const [world, wallet] = [newId('account'), newId('account')];
  const one = leg(world, wallet, '100');
  const group = ours.group([one], { effective_at: JANUARY });
  await ledger.handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet), group]);
  return { id: one.id, debit: world, credit: wallet };
}
const shown = async (id: string) => (await ledger.read(ours, `transfers/${id}`, SCOPES)).body;
const balance = async (account: string, query: string) =>
  (await ledger.read(ours, `accounts/${account}/balance?${query}`)).body['balance'];

it('moves the original back and books the other in its place, when the original counted, linked both ways', async () => {
  const original = await posted();
  const before = await shown(original.id);
  const command = ours.correct(original, '90', { metadata: { why: 'typo' } });
  const { reversal, replacement } = command.data;
  const [message] = await ledger.handle([command]);
  const { recorded_at } = message?.data as Posted;
  const accounts = { debit_account: original.debit, credit_account: original.credit };
  const back = { debit_account: original.credit, credit_account: original.debit };
  expect(message).toMatchObject({
    type: 'payflow.group.posted.v1',
    data: {
      id: command.data.id,
      corrects: original.id,
      reverses: { transfer: original.id, reversed: '100' },
      legs: [
        { id: reversal, ...back, amount: '100', effective_at: JANUARY },
        { id: replacement.id, ...accounts, amount: '90', effective_at: JANUARY },
      ],
      effective_at: JANUARY,
      metadata: { why: 'typo' },
    },
  });
  expect(await shown(original.id)).toEqual({ ...before, reversed: '100', corrected_by: replacement.id, version: 2 });
  const times = { effective_at: JANUARY, recorded_at };
  expect(await shown(reversal)).toMatchObject({ reverses: original.id, corrects: null, ...times });
  expect(await shown(replacement.id)).toMatchObject({
    reverses: null,
    corrects: original.id,
    corrected_by: null,
    ...times,
  });
  expect(await balance(original.credit, `as_of=${JANUARY}&basis=effective`)).toBe('90');
  expect(await balance(original.credit, `as_of=${before['recorded_at'] as string}`)).toBe('100');
});

it('lets the replacement count at another time, and the original no more at its own', async () => {
  const original = await posted();
  const march = '2026-03-01T00:00:00.000Z';
  await ledger.handle([ours.correct(original, '100', { effective_at: march })]);
  expect(await balance(original.credit, 'as_of=2026-02-01T00:00:00.000Z&basis=effective')).toBe('0');
  expect(await balance(original.credit, `as_of=${march}&basis=effective`)).toBe('100');
});

it('is made once; the one in its place can be corrected in turn, in the same batch too', async () => {
  const original = await posted();
  const first = ours.correct(original, '90');
  const second = ours.correct({ ...original, id: first.data.replacement.id }, '80');
  const answers = await ledger.handle([first, ours.correct(original, '70'), ours.reverse(original, '1'), second]);
  expect(answers.map(({ data }) => ('reason' in data ? data.reason : (data as Posted).id))).toEqual([
    first.data.id,
    'transfer_corrected',
    'reversal_exceeds_original',
    second.data.id,
  ]);
  const [again] = await ledger.handle([ours.correct(original, '70')]);
  expect(again?.data).toMatchObject({ reason: 'transfer_corrected', leg: null });
  const [copy] = await ledger.handle([{ ...first, id: newId('event') }]);
  expect(copy).toMatchObject({ resent: true, data: answers[0]?.data });
  const other = { ...first, id: newId('event'), data: { ...first.data, effective_at: JANUARY } };
  expect((await ledger.handle([other]))[0]?.data).toMatchObject({ reason: 'id_reused' });
  expect(await balance(original.credit, '')).toBe('80');
});

it('corrects what is left of a transfer, and of what is not there nothing', async () => {
  const original = await posted();
  await ledger.handle([ours.reverse(original, '30')]);
  const [message] = await ledger.handle([ours.correct(original, '50')]);
  expect((message?.data as Posted).legs.map(({ amount }) => amount)).toEqual(['70', '50']);
  expect(await balance(original.credit, '')).toBe('50');
  const reversed = await posted();
  const strange = { ...reversed, id: newId('transfer') };
  const answers = await ledger.handle([
    ours.reverse(reversed, null),
    ours.correct(reversed, '1'),
    ours.correct(strange, '1'),
    ours.correct({ ...reversed, debit: reversed.credit, credit: reversed.debit }, '1'),
  ]);
  const reasons = answers.slice(1).map(({ data }) => 'reason' in data && data.reason);
  expect(reasons).toEqual(['reversal_exceeds_original', 'transfer_not_found', 'transfer_not_found']);
});

it('books what is left of a transfer where it names no amount, as the ledger knows it', async () => {
  const original = await posted();
  const carol = newId('account');
  const toCarol = ours.correct(original, null);
  const { data } = toCarol;
  const command = { ...toCarol, data: { ...data, replacement: { ...data.replacement, credit_account: carol } } };
  const [, , message] = await ledger.handle([ours.open(carol), ours.reverse(original, '30'), command]);
  expect((message?.data as Posted).legs.map(({ amount }) => amount)).toEqual(['70', '70']);
  expect([await balance(original.credit, ''), await balance(carol, '')]).toEqual(['0', '70']);
  expect(await shown(data.replacement.id)).toMatchObject({ amount: '70', corrects: original.id });
});

it('and a reversal are not made of what moves another back itself, in the same batch or later', async () => {
  const original = await posted();
  const correction = ours.correct(original, '90');
  const part = await posted();
  const reversal = ours.reverse(part, '30');
  const back = ({ debit, credit }: typeof original, id: string) => ({ id, debit: credit, credit: debit });
  const again = () => [
    ours.reverse(back(original, correction.data.reversal), null),
    ours.correct(back(original, correction.data.reversal), null),
    ours.reverse(back(part, reversal.data.transfer), '1'),
    ours.correct(back(part, reversal.data.transfer), '1'),
  ];
  const refused = ['transfer_is_reversal', 'transfer_is_reversal', 'transfer_is_reversal', 'transfer_is_reversal'];
  const reasons = (messages: Awaited<ReturnType<typeof ledger.handle>>) =>
    messages.flatMap(({ data }) => ('reason' in data ? [data.reason] : []));
  expect(reasons(await ledger.handle([correction, reversal, ...again()]))).toEqual(refused);
  expect(reasons(await ledger.handle(again()))).toEqual(refused);
  expect(await balance(original.credit, '')).toBe('90');
  expect(await shown(part.id)).toMatchObject({ reversed: '30' });
});

it('leaves books that prove themselves', async () => {
  const original = await posted();
  await ledger.handle([ours.correct(original, '5')]);
  for (const name of ['I2', 'I3', 'I4', 'I5', 'I6', 'I7']) {
    const one = invariants.find((each) => each.name === name) as (typeof invariants)[number];
    expect([name, (await checkInvariant(ledger.db.database, one, 'full')).sample]).toEqual([name, []]);
  }
});

it('cannot be undone or made twice in the database either', async () => {
  const original = await posted();
  await ledger.handle([ours.correct(original, '5')]);
  const UNDO = statement('spec.undo', 'update reversals set corrected_by_id = null where transfer_id = $1');
  await expect(ledger.db.database.rows(UNDO, [uuidOf('transfer', original.id)])).rejects.toThrow('corrected once');
});
