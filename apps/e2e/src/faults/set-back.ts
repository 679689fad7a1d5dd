import { deepStrictEqual } from 'node:assert/strict';
import { uuidOf } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { listed } from '../books/finding.js';
import { ledgerFindings } from '../books/ledger-books.js';
import { outsideFindings } from '../books/outside-books.js';
import { jsonOf } from '../house/api-client.js';
import { CardHouse, PAYMENTS_PATH } from '../house/card-house.js';
import { untilAnswered } from '../house/wish.js';
import type { Run, Scenario } from './scenario.js';

const SETTLED_WITHIN_MS = 120_000;
/** How the acquirer treats a sum, by its last digits: well, with a lost answer, a cut line, webhooks twice and first, a decline. */
const ENDINGS = ['0000', '9022', '9024', '9026', '9027', '9028', '9001'];

const OPEN = `select 'payment ' || id || ' is ' || status as what from payments where status not in ('succeeded', 'failed', 'canceled', 'expired')
  union all select 'operation ' || id || ' is ' || status from payment_operations where status not in ('succeeded', 'failed')
  union all select 'attempt ' || id || ' is ' || status from attempts where status not in ('approved', 'declined', 'not_sent') or needs_attention
  union all select 'dispute ' || id || ' is ' || leg from disputes where leg in ('taking', 'returning')`;
const PAYMENTS = `select id, status, failure_code, version, amount_authorized_minor as authorized, amount_captured_minor as captured,
  amount_refunded_minor as refunded, amount_disputed_minor as disputed from payments order by id`;
const OPERATIONS = `select id, payment_id, kind, status, failure_code, amount_minor from payment_operations where kind <> 'expiry' order by id`;
/** Of what came to nothing it need not be asked again: the word that was told of it may be heard before it is sent. */
const ATTEMPTS = `select id, operation_id, number, action, case status when 'not_sent' then 'declined' else status end as status, amount_minor
  from attempts order by id`;
const DISPUTES = `select id, payment_id, status, leg, amount_minor, transfer_id from disputes order by id`;
const HOLDS = `select id, payment_id, status, amount_minor, posted_minor, version from holds order by id`;
const TRANSFERS = `select id, payment_id, hold_id, amount_minor from transfers order by id`;

/**
 * Payments' database alone is set back to what it was before a part of the work, as a restore or a failover does that loses the last
 * commits; the topics, the ledger and the acquirer are not. All of that comes again, and ends as it did: the acquirer has done
 * nothing twice, the ledger has set nothing aside and booked nothing twice, and both say what payments says.
 */
async function run({ short, say }: Run): Promise<void> {
  const desk = await CardHouse.open('set_back');
  try {
    const { databases } = desk.house;
    const payments = desk.house.service('payments');
    const earlier = [await made(desk, { amount: '50000' }), await made(desk, { amount: '60000', capture: 'manual' })];
    await settled(desk, earlier.slice(1));
    await payments.kill();
    await databases.keep('payments');
    await payments.start();

    for (let round = 0; round < (short ? 1 : 10); round++) await work(desk, round === 0 ? earlier : []);
    await settled(desk);
    const [was, outside] = [await standing(desk), await desk.sandbox.check()];
    say(`${was.payments.length} payments, ${was.attempts.length} attempts, ${was.holds.length} holds`);

    await payments.kill();
    await databases.setBack('payments');
    const left = await databases.value<string>('payments', 'select count(*) from payments');
    await payments.start();
    say(`payments was set back to ${left} payments`);
    await until(
      'all payments are there again',
      async () => (await databases.rows('payments', PAYMENTS)).length === was.payments.length,
      SETTLED_WITHIN_MS,
    );
    await desk.house.untilCaughtUp();
    await settled(desk);
    deepStrictEqual(await standing(desk), was);
    const { operations, books } = await desk.sandbox.check();
    deepStrictEqual({ operations, books }, { operations: outside.operations, books: outside.books });
    const requests = (await desk.sandbox.requests()).filter(({ conflicts }) => conflicts > 0);
    deepStrictEqual(requests, []);
    say(`the acquirer did ${operations} operations before, and none since`);
    deepStrictEqual(await brokenIn(desk), ['I21']);
  } catch (error) {
    throw desk.house.failed(error);
  } finally {
    await desk.close();
  }
}

/** One of everything that moves money, most of it by card. `earlier`: a sale to be disputed, and an authorization to be captured. */
async function work(desk: CardHouse, [sold, authorized]: readonly string[]): Promise<void> {
  await Promise.all([
    ...ENDINGS.map((ending) => desk.pay({ amount: `2${ending}` })),
    ...ENDINGS.map(async (ending) => {
      const id = await made(desk, { amount: `3${ending}`, capture: 'manual' });
      if (ending !== '9001') await desk.ask(id, 'capture');
    }),
    severalCaptures(desk),
    calledOff(desk),
    refunded(desk),
    confirmed(desk),
    betweenAccounts(desk),
    acted(desk),
    ...(authorized === undefined ? [] : [desk.ask(authorized, 'capture', { amount: '55000' })]),
    ...(sold === undefined ? [] : [disputed(desk, sold)]),
  ]);
}

async function severalCaptures(desk: CardHouse): Promise<void> {
  const id = await made(desk, { amount: '50000', capture: 'manual_multiple' });
  await done(desk, id, 'increment', { amount: '5000' });
  await done(desk, id, 'capture', { amount: '10000', final: false });
  await done(desk, id, 'capture', { amount: '52000', final: true });
  for (const amount of ['7000', '9024', '9001', '4000']) await desk.ask(id, 'refunds', { amount });
}

async function calledOff(desk: CardHouse): Promise<void> {
  const whole = await made(desk, { amount: '40000', capture: 'manual' });
  const part = await made(desk, { amount: '40000', capture: 'manual_multiple' });
  await done(desk, part, 'capture', { amount: '9024', final: false });
  for (const id of [whole, part]) await done(desk, id, 'cancel');
}

async function refunded(desk: CardHouse): Promise<void> {
  const id = await made(desk, { amount: '30000' });
  await Promise.all(['100', '200', '9022'].map((amount) => done(desk, id, 'refunds', { amount })));
  await done(desk, id, 'refunds');
}

async function confirmed(desk: CardHouse): Promise<void> {
  const method = { type: 'card', token: 'tok_visa' };
  const body = { ...between(desk, desk.clearing), amount: '20000', asset: 'USD', method, confirm: false };
  const { id } = (await untilAnswered(desk.merchant.api, PAYMENTS_PATH, body)).body as { id: string };
  await done(desk, id, 'authorize');
  await done(desk, id, 'capture', {}, await seen(desk, id));
}

async function betweenAccounts(desk: CardHouse): Promise<void> {
  for (const capture of ['automatic', 'manual']) {
    const method = { type: 'internal' };
    const body = {
      ...between(desk, desk.merchant.accounts[1] as string),
      amount: '700',
      asset: 'USD',
      method,
      capture,
    };
    const { id } = (await untilAnswered(desk.merchant.api, PAYMENTS_PATH, body)).body as { id: string };
    if (capture === 'manual') await done(desk, id, 'capture');
    await done(desk, id, 'refunds', { amount: '300' }, await seen(desk, id));
  }
}

/** A customer who has to act first, and does. */
async function acted(desk: CardHouse): Promise<void> {
  const { body } = await desk.pay({ amount: '20000', token: 'tok_action' });
  const { id, next_action } = body as { id: string; next_action: { url: string } };
  const { url } = next_action;
  await desk.sandbox.completeAction(url.slice(url.lastIndexOf('/') + 1), 'approve');
  const hasSucceeded = async () => (await read<{ status: string }>(desk, `/${id}`))?.status === 'succeeded';
  await until('the payment has succeeded', hasSucceeded, SETTLED_WITHIN_MS);
}

/** Undefined where it is not answered just then. */
async function read<T>(desk: CardHouse, path: string): Promise<T | undefined> {
  const reply = await desk.merchant.api.call(PAYMENTS_PATH + path);
  return reply.kind === 'answer' && reply.status === 200 ? jsonOf<T>(reply) : undefined;
}

interface ShownDispute {
  readonly id: string;
  readonly status: string;
  readonly leg: string;
}

/** What was paid before all of it is disputed, answered and won. */
async function disputed(desk: CardHouse, id: string): Promise<void> {
  const reference = await desk.house.databases.value<string>(
    'payments',
    'select provider_reference from payments where id = $1',
    [uuidOf('payment', id)],
  );
  const { id: number } = await desk.sandbox.openDispute(reference, { amount: '40000' });
  const shown = (state: string) =>
    until(
      `the dispute is ${state}`,
      async () => {
        const found = (await read<{ data: ShownDispute[] }>(desk, `/${id}/disputes`))?.data[0];
        return found && `${found.status} ${found.leg}` === state ? found : undefined;
      },
      SETTLED_WITHIN_MS,
    );
  const { id: dispute } = await shown('needs_response taken');
  const evidence = { receipt: 'It was delivered on Tuesday.' };
  const { status } = await untilAnswered(desk.merchant.api, `/api/v1/disputes/${dispute}/evidence`, evidence);
  deepStrictEqual(status, 200);
  await desk.sandbox.decideDispute(number, 'won');
  await shown('won returned');
}

const between = (desk: CardHouse, source: string) => ({ source, destination: desk.merchant.accounts[0] });

async function made(desk: CardHouse, how: Parameters<CardHouse['pay']>[0]): Promise<string> {
  const { body } = await desk.pay(how);
  const { id, payment } = body as { id?: string; payment?: { id: string } };
  return payment?.id ?? (id as string);
}

/** The payment's ETag. */
async function seen(desk: CardHouse, id: string): Promise<string> {
  const { etag } = (await desk.merchant.api.call(`${PAYMENTS_PATH}/${id}`)).headers;
  if (etag === undefined) throw new Error(`${id} has no ETag`);
  return etag;
}

async function done(desk: CardHouse, id: string, what: string, body: object = {}, ifMatch?: string): Promise<void> {
  const answer = await desk.ask(id, what, body, ifMatch);
  if (answer.status >= 300) throw new Error(`${what} of ${id}: ${answer.status} ${JSON.stringify(answer.body)}`);
}

/** All that the three of them have written down of it. */
async function standing({ house: { databases } }: CardHouse) {
  const [payments, operations, attempts, disputes] = await Promise.all(
    [PAYMENTS, OPERATIONS, ATTEMPTS, DISPUTES].map((query) => databases.rows('payments', query)),
  );
  const [holds, transfers] = await Promise.all([HOLDS, TRANSFERS].map((query) => databases.rows('ledger', query)));
  return { payments, operations, attempts, disputes, holds, transfers } as Record<
    'payments' | 'operations' | 'attempts' | 'disputes' | 'holds' | 'transfers',
    object[]
  >;
}

/** What `payflow verify` names: payments does not know of all that it has sent, and nothing else is wrong. */
async function brokenIn({ house }: CardHouse): Promise<(string | undefined)[]> {
  const said = await house.verify().then(
    () => '',
    (error: Error) => error.message,
  );
  return [...said.matchAll(/^BROKEN +(\S+)/gm)].map(([, invariant]) => invariant);
}

/** Waits until nothing is open but what may be, and until acquirer, ledger and payments are of one mind. */
async function settled(desk: CardHouse, open: readonly string[] = []): Promise<void> {
  const mayBe = open.map((id) => `payment ${uuidOf('payment', id)} is authorized`);
  let last: string[] = [];
  await until(
    'all of it has ended',
    async () => {
      const { databases } = desk.house;
      const found = await Promise.all([
        databases.rows<{ what: string }>('payments', OPEN),
        outsideFindings(desk),
        open.length > 0 ? [] : ledgerFindings(databases),
      ]);
      last = found.flat().flatMap(({ what }) => (mayBe.includes(what) ? [] : [what]));
      return last.length === 0;
    },
    SETTLED_WITHIN_MS,
  ).catch((error: unknown) => {
    throw new Error(`not settled: ${listed(last.map((what) => ({ rule: 'P2', what })))}`, { cause: error });
  });
}

export const setBack: Scenario = {
  name: 'set-back',
  summary:
    'payments’ database alone is set back, and all comes again: one charge each, one hold each, equal books (P2)',
  run,
};
