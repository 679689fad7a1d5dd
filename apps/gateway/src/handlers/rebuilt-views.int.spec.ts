import { fromUuid, newId, uuidOf, type AccountCounters, type MessageData, type PostedLeg } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage } from '../testing/stage.js';

const TRANSFERS = '/api/v1/transfers';
const AT = '2026-11-21T12:00:00.000Z';
let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

const counters = (id: string): AccountCounters => ({
  id,
  posted_debits: '100',
  posted_credits: '100',
  pending_debits: '0',
  pending_credits: '0',
  version: 2,
});
const leg = (debit_account: string, credit_account: string, amount: string): PostedLeg => ({
  id: newId('transfer'),
  debit_account,
  credit_account,
  amount,
  asset: 'USD',
});

/** One transfer as the ledger told of it: by itself, and known to nobody here. */
function posted(
  one: PostedLeg,
  reverses: MessageData['payflow.group.posted.v1']['reverses'] = null,
): MessageData['payflow.group.posted.v1'] {
  return {
    id: fromUuid('group', uuidOf('transfer', one.id)),
    reverses,
    legs: [one],
    accounts: [counters(one.debit_account), counters(one.credit_account)],
    effective_at: AT,
    metadata: {},
    recorded_at: AT,
  };
}

const correctionOf = (original: PostedLeg, replacement: PostedLeg): MessageData['payflow.group.posted.v1'] => ({
  ...posted(replacement, { transfer: original.id, reversed: original.amount }),
  corrects: original.id,
  legs: [leg(original.credit_account, original.debit_account, original.amount), replacement],
  metadata: { why: 'typo' },
});

const cause = () => ({ ...stage.client, livemode: false, traceparent: undefined });
const publish = (data: MessageData['payflow.group.posted.v1']) =>
  stage.house.publish('payflow.group.posted.v1', data, cause());
const shown = (id: string) =>
  until(`${id} is shown`, async () => {
    const { status, body } = await stage.client.get(`${TRANSFERS}/${id}`);
    return status === 200 ? body : undefined;
  });

it('know how much of a transfer was moved back, though its reversals came before it', async () => {
  const [alice, bob] = [newId('account'), newId('account')];
  const original = leg(alice, bob, '100');
  const [first, second] = [leg(bob, alice, '30'), leg(bob, alice, '50')];
  await publish(posted(second, { transfer: original.id, reversed: '80' }));
  await publish(posted(first, { transfer: original.id, reversed: '30' }));
  await shown(first.id);
  await shown(second.id);
  await publish(posted(original));
  expect(await shown(original.id)).toMatchObject({ status: 'posted', amount: '100', reversed: '80' });
  const { data } = (await stage.client.get(`${TRANSFERS}?account=${alice}`)).body as { data: { reversed: string }[] };
  expect(data.map(({ reversed }) => reversed).sort()).toEqual(['0', '0', '80']);
});

it('know what stands in the place of a transfer, though that came before it', async () => {
  const [alice, bob] = [newId('account'), newId('account')];
  const [original, replacement] = [leg(alice, bob, '100'), leg(alice, bob, '90')];
  await publish(correctionOf(original, replacement));
  const links = { corrects: original.id, reverses: null, metadata: { why: 'typo' }, group: null };
  expect(await shown(replacement.id)).toMatchObject(links);
  await publish(posted(original));
  expect(await shown(original.id)).toMatchObject({ reversed: '100', corrected_by: replacement.id });
});

it('know the newest metadata of a transfer, and its group, in whichever order they were told', async () => {
  const [alice, bob] = [newId('account'), newId('account')];
  const legs = [leg(bob, alice, '1'), leg(alice, bob, '100')] as const;
  const [, { id, ...movement }] = legs;
  const change = (version: number): MessageData['payflow.transfer.updated.v1'] => ({
    ...{ id, ...movement, payment: null, group: null, hold: null, reverses: null, corrects: null },
    ...{ effective_at: AT, recorded_at: AT, changed_at: AT, metadata: { at: String(version) }, version },
  });
  const tell = (version: number) => stage.house.publish('payflow.transfer.updated.v1', change(version), cause());
  await tell(3);
  expect(await shown(id)).toMatchObject({ amount: '100', metadata: { at: '3' }, group: null, recorded_at: AT });
  await tell(2);
  const group = { ...posted(legs[0]), id: newId('group'), legs };
  await publish(group);
  await shown(legs[0].id);
  expect(await shown(id)).toMatchObject({ metadata: { at: '3' }, group: group.id });
  const { body } = await stage.client.get(`/api/v1/transfer_groups/${group.id}`);
  expect((body['transfers'] as { id: string }[]).map((one) => one.id)).toEqual(legs.map((one) => one.id));
  await tell(4);
  await until('the newest is shown', async () => {
    const { metadata } = (await shown(id)) as { metadata: { at?: string } };
    return metadata.at === '4';
  });
});
