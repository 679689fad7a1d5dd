import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fromUuid, newId, newUuid, uuidOf } from '@payflow/contracts';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MIGRATIONS } from '../installation.js';
import { reconcile, type AskBooks, type ProviderPage } from './reconcile.js';

interface Sums {
  readonly captured?: number;
  readonly refunded?: number;
  /** Taken by disputes, and what came back of it. */
  readonly disputed?: number;
  readonly returned?: number;
}

const CONNECTOR = 'cards';
const tenant = newUuid();
const clearing = newUuid();
const shop = newUuid();

/** What a provider's own books say, over HTTP. */
class Provider {
  readonly pages = new Map<string, { asset: string; sums: Sums }[]>();
  readonly asked: (string | null)[] = [];
  private readonly server: Server = createServer((request, response) => {
    const reference = decodeURIComponent(
      new URL(request.url ?? '/', 'http://provider').pathname.slice('/v1/books/'.length),
    );
    const pages = reference === '' ? [...this.pages.values()].flat() : (this.pages.get(reference) ?? []);
    response.end(JSON.stringify(pages));
  });

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  stop(): void {
    this.server.close();
  }

  readonly ask: AskBooks = async (reference) => {
    this.asked.push(reference);
    const { port } = this.server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}/v1/books/${encodeURIComponent(reference ?? '')}`);
    const sums = new Map<string, ProviderPage>();
    for (const { asset, sums: page } of (await answer.json()) as { asset: string; sums: Sums }[]) {
      const { captured, refunded, disputed } = sums.get(asset) ?? { captured: 0n, refunded: 0n, disputed: 0n };
      sums.set(asset, {
        asset,
        captured: captured + BigInt(page.captured ?? 0),
        refunded: refunded + BigInt(page.refunded ?? 0),
        disputed: disputed + BigInt(page.disputed ?? 0) - BigInt(page.returned ?? 0),
      });
    }
    return [...sums.values()];
  };
}

describe('the books of a provider against ours', () => {
  let payments: TestDatabase;
  let ledger: TestDatabase;
  const provider = new Provider();
  beforeAll(async () => {
    [payments, ledger] = await Promise.all([
      createTestDatabase('payments', MIGRATIONS.payments),
      createTestDatabase('ledger', MIGRATIONS.ledger),
      provider.start(),
    ]);
    await ledger.tamper('select ensure_partitions(1)');
  });
  beforeEach(async () => {
    provider.pages.clear();
    provider.asked.length = 0;
    await payments.tamper('truncate payments, payment_operations, attempts cascade');
    await ledger.tamper('truncate transfers');
  });
  afterAll(async () => {
    provider.stop();
    await Promise.all([payments.drop(), ledger.drop()]);
  });

  const run = () => reconcile(CONNECTOR, { payments: payments.database, ledger: ledger.database, ask: provider.ask });

  /** A payment with what everybody says of it; what is said only once, all say. */
  async function pay(
    outside: Sums | null,
    { own = outside ?? {}, booked = own, asset = 'USD', connector = CONNECTOR as string | null } = {},
  ): Promise<string> {
    const uuid = newUuid();
    const id = fromUuid('payment', uuid);
    await payments.tamper(`
      insert into payments (tenant_id, livemode, id, status, version, amount_minor, asset, source_account_id, destination_account_id,
        method, metadata, create_command_id, created_at, expires_at, amount_authorized_minor, amount_captured_minor,
        amount_refunded_minor, connector)
      values ('${tenant}', false, '${uuid}', 'succeeded', 1, 100000, '${asset}', '${clearing}', '${shop}', '{"type":"card"}', '{}',
        '${newUuid()}', now(), now(), 100000, ${own.captured ?? 0}, ${own.refunded ?? 0}, ${connector === null ? 'null' : `'${connector}'`});
      insert into attempts (tenant_id, livemode, id, payment_id, operation_id, action, status, asset, request, connector)
      values ('${tenant}', false, '${newUuid()}', '${uuid}', '${uuid}', 'sale', 'unknown', '${asset}', '{}', '${CONNECTOR}')`);
    await move(uuid, clearing, shop, asset, booked.captured, true);
    await move(uuid, shop, clearing, asset, booked.refunded, true);
    await move(uuid, shop, clearing, asset, booked.disputed, false);
    await move(uuid, clearing, shop, asset, booked.returned, false);
    if (outside) provider.pages.set(`${fromUuid('tenant', tenant)}/test/${id}`, [{ asset, sums: outside }]);
    return id;
  }

  async function move(payment: string, debit: string, credit: string, asset: string, amount = 0, isHeld = true) {
    if (amount > 0)
      await ledger.tamper(`
        insert into transfers (tenant_id, livemode, id, recorded_at, debit_account_id, credit_account_id, amount_minor, asset,
          payment_id, hold_id, chain, chain_position, chain_hash)
        values ('${tenant}', false, '${newUuid()}', now(), '${debit}', '${credit}', ${amount}, '${asset}', '${payment}',
          ${isHeld ? `'${newUuid()}'` : 'null'}, 0, 1, decode(repeat('00', 32), 'hex'))`);
  }

  it('are equal, by currency and to the unit, and nobody is asked about a payment', async () => {
    await pay({ captured: 1000, refunded: 300 });
    await pay({ captured: 500, disputed: 500, returned: 500 });
    await pay({ captured: 70, disputed: 70 }, { asset: 'EUR' });
    await pay({}, { connector: null });
    const { lines, differing } = await run();
    expect(lines).toMatchObject([
      { asset: 'EUR', figure: 'captured', outside: 70n, payments: 70n, ledger: 70n, isEqual: true },
      { asset: 'EUR', figure: 'refunded', outside: 0n, isEqual: true },
      { asset: 'EUR', figure: 'disputed', outside: 70n, ledger: 70n },
      { asset: 'USD', figure: 'captured', outside: 1500n, payments: 1500n, ledger: 1500n, isEqual: true },
      { asset: 'USD', figure: 'refunded', outside: 300n, payments: 300n, ledger: 300n, isEqual: true },
      { asset: 'USD', figure: 'disputed', outside: 0n, ledger: 0n },
    ]);
    expect({ differing, asked: provider.asked }).toEqual({ differing: 0, asked: [null] });
  });

  it.each<[string, () => Promise<string>, object]>([
    [
      'what the provider took and we do not know of',
      () => pay({ captured: 20 }, { own: {} }),
      { outside: 20n, payments: 0n, ledger: 0n },
    ],
    [
      'a charge that was made twice',
      () => pay({ captured: 40 }, { own: { captured: 20 } }),
      { outside: 40n, payments: 20n, ledger: 20n },
    ],
    [
      'what we booked and the provider never did',
      () => pay(null, { own: { captured: 20 } }),
      { outside: 0n, payments: 20n, ledger: 20n },
    ],
    [
      'what is said and not booked',
      () => pay({ captured: 20 }, { booked: {} }),
      { outside: 20n, payments: 20n, ledger: 0n },
    ],
    [
      'a charge of a payment that another connector carries out',
      () => pay({ captured: 20 }, { own: { captured: 0 }, connector: 'cards_b' }),
      { outside: 20n, payments: 0n },
    ],
  ])('differ by %s, and the payment is named', async (_, make, said) => {
    await pay({ captured: 1000, refunded: 1 });
    const payment = await make();
    const { lines, differences, differing } = await run();
    expect(lines.find(({ asset, figure }) => asset === 'USD' && figure === 'captured')).toMatchObject({
      isEqual: false,
    });
    expect(differing).toBe(1);
    expect(differences).toMatchObject([{ payment, lines: [{ figure: 'captured', isEqual: false, ...said }, {}, {}] }]);
  });

  it('differ by sums that make up for each other: each payment is looked at', async () => {
    const [one, other] = [
      await pay({ captured: 20 }, { booked: { captured: 30 } }),
      await pay({ captured: 30 }, { booked: { captured: 20 } }),
    ];
    const { lines, differences } = await run();
    expect(lines.every(({ isEqual, figure }) => isEqual || figure !== 'captured')).toBe(true);
    expect(differences.map(({ payment }) => payment).sort()).toEqual([one, other].sort());
  });

  it('differ by another currency than that of the payment', async () => {
    const payment = await pay({ captured: 20 });
    const reference = `${fromUuid('tenant', tenant)}/test/${payment}`;
    provider.pages.get(reference)?.push({ asset: 'EUR', sums: { captured: 5 } });
    const { differences } = await run();
    expect(differences).toMatchObject([
      { payment, lines: [{}, {}, {}, { asset: 'EUR', figure: 'captured', outside: 5n }, {}, {}] },
    ]);
  });

  it('know nothing of money that moves on the clearing account for another reason, or another payment', async () => {
    await pay({ captured: 20 });
    await ledger.tamper(`
      insert into transfers (tenant_id, livemode, id, recorded_at, debit_account_id, credit_account_id, amount_minor, asset, chain,
        chain_position, chain_hash)
      values ('${tenant}', false, '${newUuid()}', now(), '${shop}', '${clearing}', 900, 'USD', 0, 1, decode(repeat('00', 32), 'hex'))`);
    await move(uuidOf('payment', newId('payment')), clearing, shop, 'USD', 77);
    expect(await run()).toMatchObject({ differing: 0 });
  });
});
