import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '@payflow/local-stack';
import { Sandbox, until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CardHouse } from '../house/card-house.js';
import { CardPayments, SETTLED_WITHIN_MS, expectOneMind, givenBack, taken, type Body } from './card-payments.js';

/** Of the cards of this brand alone, in dollars, and the second acquirer takes them for less. */
const AMEX_ROUTE = {
  name: 'amex_by_cost',
  match: { method: 'card', assets: ['USD'], brands: ['amex'] },
  targets: [
    { connector: 'cards', cost: { basis_points: 200, fixed: '30' } },
    { connector: 'cards_b', cost: { basis_points: 100, fixed: '30' } },
  ],
  prefer: 'cost',
};
/** Longer than it takes to see that nobody gets in, and to pay, on a busy machine. */
const REFUSING_MS = 10_000;
const BACK_WITHIN_MS = 60_000;

describe('card payments with two acquirers', () => {
  let first: Sandbox;
  let second: Sandbox;
  let desk: CardHouse;
  let cards: CardPayments;

  beforeAll(async () => {
    const [port = 0] = await freePorts(1);
    second = new Sandbox({}, port);
    const { CARDS_URL = '', CARDS_API_KEY = '', CARDS_WEBHOOK_SECRET = '' } = second.environment;
    desk = await CardHouse.open('routes', {
      CARDS_B_URL: CARDS_URL,
      CARDS_B_API_KEY: CARDS_API_KEY,
      CARDS_B_WEBHOOK_SECRET: CARDS_WEBHOOK_SECRET,
    });
    first = desk.sandbox;
    cards = new CardPayments(desk);
    const file = join(desk.house.dir, 'route.json');
    writeFileSync(file, JSON.stringify(AMEX_ROUTE));
    await Promise.all([
      second.start({ SANDBOX_WEBHOOK_URL: `${desk.house.api}/api/v1/provider_webhooks/cards_b` }),
      desk.house.installation.payflow('routes', 'put', file, '--actor', 'e2e', '--reason', 'a test'),
    ]);
    // It has the first one's scenarios, and says yes where that says no.
    await second.settings({ plain: true });
  });
  afterAll(async () => {
    await desk?.close();
    await second?.stop();
  });

  const inOrder = { route: null, prefer: null, candidates: ['cards', 'cards_b'].map(whoComesInOrder), left_out: [] };
  const asked = async (id: string) =>
    (await cards.attempts(id)).map(({ action, status, connector, code }) =>
      [action, status, connector, ...(code === null ? [] : [code])].join(' '),
    );
  /** What each acquirer says it took and gave back. */
  const outside = async (id: string) =>
    Promise.all(
      [first, second].map(async (acquirer) => {
        const [page] = await acquirer.books(`${desk.merchant.tenant}/test/${id}`);
        return `${page?.captured ?? '0'} - ${page?.refunded ?? '0'}`;
      }),
    );

  it('a sale goes to the first of them, and why is told', async () => {
    const id = await cards.captured('20000');
    expect(await cards.attempts(id)).toMatchObject([{ connector: 'cards', routing: { ...inOrder, tried: [] } }]);
    expect(await outside(id)).toEqual(['20000 - 0', '0 - 0']);
  });

  it('one that the first declines, and another may take, is taken by the other', async () => {
    const id = await cards.captured('19033');
    expect(await asked(id)).toEqual(['sale declined cards provider_declined', 'sale approved cards_b']);
    expect(await cards.attempts(id)).toMatchObject([
      { number: 1, routing: { ...inOrder, tried: [] } },
      { number: 2, routing: { ...inOrder, tried: ['cards'] } },
    ]);
    expect(await outside(id)).toEqual(['0 - 0', '19033 - 0']);
    expect(await cards.shown(id)).toMatchObject({ status: 'succeeded', amount_captured: '19033' });
    await cards.expectLegs(id, [taken('19033')]);
  });

  it('what follows goes to whoever has the authorization, whatever the first would say', async () => {
    const id = await cards.authorized('50000', 'manual', 'tok_try_elsewhere');
    expect((await desk.ask(id, 'increment', { amount: '10000' })).status).toBe(200);
    expect((await desk.ask(id, 'capture', { amount: '30000' })).status).toBe(200);
    expect((await desk.ask(id, 'refunds', { amount: '4000' })).status).toBe(201);
    expect((await asked(id)).slice(1)).toEqual([
      'authorize approved cards_b',
      'increment approved cards_b',
      'capture approved cards_b',
      'refund approved cards_b',
    ]);
    const capture = (await cards.attempts(id)).find(({ action }) => action === 'capture');
    expect(capture).toMatchObject({ routing: { by: 'payment' } });
    expect(await outside(id)).toEqual(['0 - 0', '30000 - 4000']);
    await cards.expectLegs(id, [taken('30000'), givenBack('4000')]);
  });

  it('one that both decline fails, with the word of the last', async () => {
    await second.settings({ plain: false });
    const { status, body } = await desk.pay({ amount: '19033' });
    await second.settings({ plain: true });
    const { id, failure } = body['payment'] as Body & { id: string };
    expect([status, failure]).toEqual([402, { code: 'provider_declined' }]);
    expect(await asked(id)).toEqual(['cards', 'cards_b'].map((name) => `sale declined ${name} provider_declined`));
    expect(await outside(id)).toEqual(['0 - 0', '0 - 0']);
  });

  it('one whose customer has to act at the first, and then at the second, is paid where they were sent last', async () => {
    await second.settings({ plain: false });
    const { body } = await desk.pay({ amount: '20000', token: 'tok_action' });
    const id = body['id'] as string;
    const pageOf = (payment: Body | undefined) => (payment?.['next_action'] as { url?: string } | null)?.url ?? '';
    const authorizationAt = (url: string) => url.slice(url.lastIndexOf('/') + 1);
    expect(pageOf(body)).toContain(first.url);
    await first.completeAction(authorizationAt(pageOf(body)), 'elsewhere');
    const moved = await until(
      'the customer is sent to the second',
      async () => {
        const payment = await cards.shown(id);
        return pageOf(payment).startsWith(second.url) ? payment : undefined;
      },
      SETTLED_WITHIN_MS,
    );
    await second.settings({ plain: true });
    expect(moved).toMatchObject({ status: 'requires_action' });
    await second.completeAction(authorizationAt(pageOf(moved)), 'approve');
    await cards.becomes(id, 'succeeded');
    expect(await asked(id)).toEqual(['sale declined cards provider_declined', 'sale approved cards_b']);
    expect(await outside(id)).toEqual(['0 - 0', '20000 - 0']);
    await cards.expectLegs(id, [taken('20000')]);
  });

  it('one that the issuer declines is declined, and nobody else is asked', async () => {
    const { status, body } = await desk.pay({ amount: '19001' });
    expect(status).toBe(402);
    expect(await asked((body['payment'] as { id: string }).id)).toEqual(['sale declined cards card_declined']);
  });

  it('one of which the first may have taken the money is asked about, and nobody else is asked', async () => {
    const id = await cards.captured('19026');
    expect(await asked(id)).toEqual(['sale approved cards']);
    expect(await outside(id)).toEqual(['19026 - 0', '0 - 0']);
  });

  it('one for which there is a route goes by that: by cost to the second', async () => {
    const { status, body } = await desk.pay({ amount: '20000', token: 'tok_amex', brand: 'amex' });
    const id = body['id'] as string;
    expect([status, body['status']]).toEqual([201, 'succeeded']);
    expect(await cards.attempts(id)).toMatchObject([
      {
        connector: 'cards_b',
        routing: {
          route: { name: 'amex_by_cost' },
          prefer: 'cost',
          candidates: [
            { connector: 'cards_b', reason: 'cheapest', cost: '230' },
            { connector: 'cards', reason: 'next', cost: '430' },
          ],
        },
      },
    ]);
    expect(await outside(id)).toEqual(['0 - 0', '20000 - 0']);
  });

  it('one that the first cannot be reached for is taken by the other', async () => {
    const isThere = () =>
      first.check().then(
        () => true,
        () => false,
      );
    await first.refuseConnections(REFUSING_MS);
    await until('nobody gets in', async () => !(await isThere()));
    const id = await cards.captured('20000');
    expect(await asked(id)).toEqual(['sale not_sent cards connection_not_made', 'sale approved cards_b']);
    await until('it is back', isThere, BACK_WITHIN_MS);
    expect(await outside(id)).toEqual(['0 - 0', '20000 - 0']);
  });

  it('leaves both acquirers and the books of one mind, to the unit, and every rule kept', () =>
    expectOneMind(desk, [second]));
});

function whoComesInOrder(connector: string) {
  return { connector, reason: 'in_order' };
}
