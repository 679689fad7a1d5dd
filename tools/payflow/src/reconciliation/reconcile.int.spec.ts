import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fromUuid, newId, newUuid, uuidOf } from '@payflow/contracts';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { verify } from '../commands/verify.js';
import { MIGRATIONS } from '../installation.js';
import { openProvider, type Provider } from './provider.js';
import { reconcile } from './reconcile.js';

interface Sums {
  readonly captured?: number;
  readonly refunded?: number;
  /** Taken by disputes, and what came back of it. */
  readonly disputed?: number;
  readonly returned?: number;
}

/** Where it is not what the provider says: our figures, and what is booked. */
interface Said {
  readonly own?: Sums;
  readonly booked?: Sums;
  readonly asset?: string;
  readonly connector?: string | null;
}

const CONNECTOR = 'cards';
const tenant = newUuid();
const clearing = newUuid();
const shop = newUuid();

/** What a provider's own books say, over HTTP as the acquirer tells it. */
class Acquirer {
  readonly pages = new Map<string, { asset: string; sums: Sums }[]>();
  readonly asked: string[] = [];
  /** What happens after a page of one payment was read. */
  onPage: ((page: string) => void) | undefined;
  private readonly server: Server = createServer((request, response) => {
    const page = (request.url ?? '').slice('/v1/books'.length);
    this.asked.push(page);
    if (page !== '') response.once('finish', () => this.onPage?.(page));
    const entries =
      page === '' ? [...this.pages.values()].flat() : (this.pages.get(decodeURIComponent(page.slice(1))) ?? []);
    response.end(JSON.stringify({ object: 'books', data: byCurrency(entries) }));
  });

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

function byCurrency(entries: readonly { asset: string; sums: Sums }[]) {
  const sum = (asset: string, figure: keyof Sums) =>
    String(
      entries.filter((entry) => entry.asset === asset).reduce((total, { sums }) => total + (sums[figure] ?? 0), 0),
    );
  return [...new Set(entries.map(({ asset }) => asset))].map((currency) => ({
    currency,
    captured: sum(currency, 'captured'),
    refunded: sum(currency, 'refunded'),
    disputed: sum(currency, 'disputed'),
    dispute_reversed: sum(currency, 'returned'),
  }));
}

describe('the books of a provider against ours', () => {
  let payments: TestDatabase;
  let ledger: TestDatabase;
  const acquirer = new Acquirer();
  let provider: Provider;
  beforeAll(async () => {
    [payments, ledger] = await Promise.all([
      createTestDatabase('payments', MIGRATIONS.payments),
      createTestDatabase('ledger', MIGRATIONS.ledger),
      acquirer.start(),
    ]);
    provider = openProvider(CONNECTOR, { CARDS_URL: acquirer.url, CARDS_API_KEY: 'key-of-the-acquirer' });
    await ledger.tamper('select ensure_partitions(1)');
  });
  beforeEach(async () => {
    acquirer.pages.clear();
    acquirer.asked.length = 0;
    acquirer.onPage = undefined;
    await payments.tamper('truncate payments, payment_operations, attempts, disputes cascade');
    await ledger.tamper('truncate transfers');
  });
  afterAll(async () => {
    await provider.close();
    acquirer.stop();
    await Promise.all([payments.drop(), ledger.drop()]);
  });

  const run = () => reconcile(CONNECTOR, { payments: payments.database, ledger: ledger.database, ask: provider.ask });

  /** A payment with what everybody says of it; what is said only once, all say. */
  async function pay(
    outside: Sums | null,
    { own = outside ?? {}, booked = own, asset = 'USD', connector = CONNECTOR }: Said = {},
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
    if (own.disputed !== undefined) await dispute(uuid, asset, own.disputed, own.returned !== undefined);
    await move(uuid, clearing, shop, asset, booked.captured, true);
    await move(uuid, shop, clearing, asset, booked.refunded, true);
    await move(uuid, shop, clearing, asset, booked.disputed, false);
    await move(uuid, clearing, shop, asset, booked.returned, false);
    if (outside) acquirer.pages.set(`${fromUuid('tenant', tenant)}/test/${id}`, [{ asset, sums: outside }]);
    return id;
  }

  async function dispute(payment: string, asset: string, amount: number, isWon: boolean): Promise<void> {
    await payments.tamper(`
      insert into disputes (tenant_id, livemode, id, payment_id, connector, provider_reference, status, leg, leg_try, amount_minor, asset,
        source_account_id, destination_account_id, transfer_id, return_transfer_id, version, created_at, updated_at)
      values ('${tenant}', false, '${newUuid()}', '${payment}', '${CONNECTOR}', '${newUuid()}', '${isWon ? 'won' : 'lost'}',
        '${isWon ? 'returned' : 'taken'}', 1, ${amount}, '${asset}', '${clearing}', '${shop}', '${newUuid()}', ${isWon ? `'${newUuid()}'` : 'null'}, 1,
        now(), now())`);
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
      { asset: 'EUR', figure: 'disputed', outside: 70n, payments: 70n, ledger: 70n },
      { asset: 'USD', figure: 'captured', outside: 1500n, payments: 1500n, ledger: 1500n, isEqual: true },
      { asset: 'USD', figure: 'refunded', outside: 300n, payments: 300n, ledger: 300n, isEqual: true },
      { asset: 'USD', figure: 'disputed', outside: 0n, ledger: 0n },
    ]);
    expect({ differing, asked: acquirer.asked }).toEqual({ differing: 0, asked: [''] });
  });

  it('have nothing of a payment that another connector carried out in the end, whatever was booked for it', async () => {
    await pay({ captured: 1000 });
    const booked = { captured: 20, refunded: 5, disputed: 3 };
    await pay(null, { own: { captured: 20, refunded: 5 }, booked, connector: 'cards_b' });
    const { lines, differing } = await run();
    expect(lines).toMatchObject([
      { figure: 'captured', outside: 1000n, payments: 1000n, ledger: 1000n, isEqual: true },
      { figure: 'refunded', payments: 0n, ledger: 0n, isEqual: true },
      { figure: 'disputed', payments: 0n, ledger: 0n, isEqual: true },
    ]);
    expect({ differing, asked: acquirer.asked }).toEqual({ differing: 0, asked: [''] });
  });

  it('count what a dispute has given back as given back, though nobody has won it', async () => {
    await pay({ captured: 1000 });
    await pay({}, { own: { disputed: 40, returned: 40 } });
    await payments.tamper(`update disputes set status = 'lost'`);
    const { lines, differing } = await run();
    expect(lines).toContainEqual(
      expect.objectContaining({ figure: 'disputed', outside: 0n, payments: 0n, ledger: 0n, isEqual: true }),
    );
    expect(differing).toBe(0);
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
    acquirer.pages.get(reference)?.push({ asset: 'EUR', sums: { captured: 5 } });
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

  describe('by the command', () => {
    afterEach(() => {
      vi.unstubAllEnvs();
      vi.restoreAllMocks();
      process.exitCode = undefined;
    });

    async function verified(options: object): Promise<{ said: string; exitCode: unknown }> {
      vi.stubEnv('PAYMENTS_DATABASE_URL', payments.url);
      vi.stubEnv('LEDGER_DATABASE_URL', ledger.url);
      vi.stubEnv('CARDS_URL', acquirer.url);
      vi.stubEnv('CARDS_API_KEY', 'key-of-the-acquirer');
      let said = '';
      vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((said += String(text)), true));
      await verify('provider', options);
      return { said, exitCode: process.exitCode };
    }

    it('all is well, and it exits well', async () => {
      await pay({ captured: 1000, refunded: 300 });
      const { said, exitCode } = await verified({ json: true });
      expect(JSON.parse(said)).toMatchObject({
        connector: 'cards',
        lines: [{ outside: '1000' }, {}, {}],
        differing: 0,
      });
      expect(exitCode).toBeUndefined();
    });

    it('what differs is named, with exit code 1', async () => {
      const payment = await pay({ captured: 1000 }, { own: { captured: 400 } });
      const { said, exitCode } = await verified({});
      expect(said).toMatch(/DIFFERS +USD +captured +1000 +400 +400 +600/);
      expect(said).toContain(`1 payments differ:`);
      expect(said).toContain(payment);
      expect(exitCode).toBe(1);
    });

    it('what the provider took of one payment and not of another is named with `each`, and otherwise not seen', async () => {
      const [one, other] = [
        await pay({ captured: 20 }, { own: { captured: 30 } }),
        await pay({ captured: 30 }, { own: { captured: 20 } }),
      ];
      expect((await verified({})).exitCode).toBeUndefined();
      const { said, exitCode } = await verified({ each: true });
      expect(said).toContain(`2 payments differ:`);
      expect([one, other].every((payment) => said.includes(payment))).toBe(true);
      expect(exitCode).toBe(1);
    });

    it('what stays different has each of its pages read once, however often it is looked at', async () => {
      const payment = await pay({ captured: 1000 }, { own: { captured: 400 } });
      expect((await verified({ within: 2 })).said).toContain(payment);
      const [all, pages] = [acquirer.asked.filter((one) => one === ''), acquirer.asked.filter((one) => one !== '')];
      expect(all.length).toBeGreaterThan(2);
      expect(pages).toHaveLength(1);
    });

    it('what differs by its page is looked at once more before it is named', async () => {
      const payment = await pay({ captured: 20 });
      await pay({ captured: 1000 });
      const reference = `${fromUuid('tenant', tenant)}/test/${payment}`;
      const late = acquirer.pages.get(reference) ?? [];
      // The provider's page of it comes later than its sums.
      acquirer.pages.delete(reference);
      acquirer.pages.set('elsewhere', late);
      acquirer.onPage = (page) => {
        if (page.includes(payment) && acquirer.pages.delete('elsewhere')) acquirer.pages.set(reference, late);
      };
      expect((await verified({ each: true })).exitCode).toBeUndefined();
      expect(acquirer.asked.filter((page) => page.includes(payment))).toHaveLength(2);
    });

    it('what is equal is looked at as long as there is time, and a charge that comes late is named', async () => {
      const payment = await pay({ captured: 1000 });
      const reference = `${fromUuid('tenant', tenant)}/test/${payment}`;
      const twice = delay(1_200).then(() =>
        acquirer.pages.get(reference)?.push({ asset: 'USD', sums: { captured: 1000 } }),
      );
      const { said, exitCode } = await verified({ within: 2 });
      await twice;
      expect(said).toMatch(/DIFFERS +USD +captured +2000 +1000 +1000 +1000/);
      expect(exitCode).toBe(1);
    });

    it('what is on its way has its time, be it with the last look', async () => {
      const payment = await pay({ captured: 1000 });
      const reference = `${fromUuid('tenant', tenant)}/test/${payment}`;
      const passing = delay(1_500).then(async () => {
        acquirer.pages.get(reference)?.push({ asset: 'USD', sums: { captured: 1 } });
        await delay(1_000);
        acquirer.pages.get(reference)?.pop();
      });
      expect((await verified({ within: 2 })).exitCode).toBeUndefined();
      await passing;
    });

    it('what is on its way has its time', async () => {
      const payment = await pay({ captured: 1000 }, { own: { captured: 0 } });
      const arriving = payments.tamper(
        `select pg_sleep(0.7); update payments set amount_captured_minor = 1000 where id = '${uuidOf('payment', payment)}'`,
      );
      await move(uuidOf('payment', payment), clearing, shop, 'USD', 1000);
      expect((await verified({ within: 3 })).exitCode).toBeUndefined();
      await arriving;
    });
  });
});
