import { fromUuid, newId, uuidOf } from '@payflow/contracts';
import { costOf, type TestDatabase, until } from '@payflow/testing';
import fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASES, type Basis } from '../database/balance-sums.js';
import { SUBTREE_TOTALS } from '../database/balance-totals.repository.js';
import { addSnapshots } from '../database/snapshot.repository.js';
import type { Owner } from '../domain/book.js';
import type { LedgerCommand } from '../domain/decide.js';
import { faultOf, type InclusionProof } from '../proof/inclusion-proof.js';
import { Sealer } from '../sealer.js';
import { CommandsOf, leg } from '../testing/commands.js';
import { LedgerUnderTest } from '../testing/ledger-under-test.js';
import { ToldBooks } from '../testing/told-books.js';

let ledger: LedgerUnderTest;
let db: TestDatabase;

beforeAll(async () => {
  ledger = await LedgerUnderTest.open();
  ({ db } = ledger);
});
afterAll(() => ledger.close());

const handle = (commands: readonly LedgerCommand[]) => ledger.handle(commands);
const read = (owner: Owner, path: string, scopes?: string[]) => ledger.read(owner, path, scopes);

interface Line {
  readonly transfer: string;
  readonly side: 'debit' | 'credit';
  readonly amount: string;
  readonly balance: string;
  readonly recorded_at: string;
  readonly effective_at: string;
}

/** All pages of a statement or a history. */
async function pages(ours: CommandsOf, path: string): Promise<Record<string, unknown>[]> {
  const all: Record<string, unknown>[] = [];
  for (let next: unknown = ''; typeof next === 'string'; next = all.at(-1)?.['next'])
    all.push((await read(ours, next === '' ? path : `${path}&after=${next}`)).body);
  return all;
}

/** Numbers that look random and are the same every time. */
function counting(): () => number {
  let at = 1;
  return () => (at = (at * 48_271) % 2_147_483_647);
}

/** Accounts of several kinds and assets, with a random history. */
async function grown(next: () => number) {
  const [ours, told] = [new CommandsOf(), new ToldBooks()];
  const kinds = ['asset', 'liability', 'expense', 'income'] as const;
  const accounts = kinds.map((kind) => ({ id: newId('account'), kind }));
  await handle(accounts.map(({ id, kind }) => ours.open(id, { kind, overdraft: 'unbounded' })));
  const account = () => (accounts[next() % accounts.length] as (typeof accounts)[number]).id;
  for (let batch = 0; batch < 8; batch++) {
    const commands = Array.from({ length: 1 + (next() % 6) }, () => {
      const effective_at = next() % 2 === 0 ? null : new Date(Date.now() - (next() % 60)).toISOString();
      return ours.group([leg(account(), account(), String(1 + (next() % 50)))], { effective_at });
    });
    told.hear(await handle(commands));
    if (next() % 3 === 0) while (await addSnapshots(db.database, 3));
  }
  return { ours, told, accounts };
}

const normal = (kind: string, [debits, credits]: readonly [bigint, bigint]) =>
  kind === 'asset' || kind === 'expense' ? debits - credits : credits - debits;

describe('a statement', () => {
  const orderOf = ({ recordedAt, effectiveAt }: ToldBooks['transfers'][number], basis: Basis) =>
    basis === 'recorded' ? recordedAt : effectiveAt;

  it.each(BASES)('adds up, line by line and page by page, by %s time', async (basis) => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat({ max: 1_000_000 })), async (stream) => {
        const next = () => stream.next().value as number;
        const { ours, told, accounts } = await grown(next);
        const instants = told.instants();
        const from = instants[next() % 4] as string;
        const to = instants.at(-1 - (next() % 4)) as string;
        for (const { id, kind } of accounts) {
          const all = await pages(ours, `accounts/${id}/statement?basis=${basis}&from=${from}&to=${to}&limit=3`);
          const lines = all.flatMap((page) => page['lines'] as Line[]);
          const before = new Date(Date.parse(from) - 1).toISOString();
          const last = new Date(Date.parse(to) - 1).toISOString();
          const opening = normal(kind, told.summed(id, before, basis));
          const closing = normal(kind, told.summed(id, last, basis));
          for (const page of all)
            expect(page).toMatchObject({ opening_balance: String(opening), closing_balance: String(closing) });
          let balance = opening;
          for (const { side, amount, balance: after } of lines) {
            balance += normal(kind, side === 'debit' ? [BigInt(amount), 0n] : [0n, BigInt(amount)]);
            expect(after).toBe(String(balance));
          }
          const counted = told.transfers
            .filter((one) => (one.debit === id || one.credit === id) && orderOf(one, basis) >= from)
            .filter((one) => orderOf(one, basis) < to);
          expect(lines.map(({ transfer }) => transfer).sort()).toEqual(counted.map((one) => one.id).sort());
          const times = lines.map((line) => line[`${basis}_at`]);
          expect(times).toEqual([...times].sort());
        }
      }),
      { numRuns: 3 },
    );
  });

  it('tells on every page of what was known at the first', async () => {
    const { ours, accounts } = await grown(counting());
    const [first, second] = accounts.map(({ id }) => id) as [string, string];
    await handle([ours.transfer(first, second, '1'), ours.transfer(first, second, '2')]);
    const path = `accounts/${first}/statement?basis=effective&limit=1`;
    const { body } = await read(ours, path);
    const backdated = ours.group([leg(first, second, '7')], { effective_at: '2026-01-01T00:00:00.000Z' });
    await handle([backdated]);
    const again = await read(ours, `${path}&after=${String(body['next'])}`);
    expect(again.body['closing_balance']).toBe(body['closing_balance']);
    const anew = await read(ours, path);
    // Whoever goes on from there must not miss what this statement does not tell of.
    expect(again.body['complete_until']).toBe(body['complete_until']);
    expect(Date.parse(anew.body['complete_until'] as string)).toBeGreaterThan(
      Date.parse(body['complete_until'] as string),
    );
    const without = String(body['next']).split('_').toSpliced(8, 1).join('_');
    expect((await read(ours, `${path}&after=${without}`)).status).toBe(400);
    expect((anew.body['lines'] as Line[])[0]).toMatchObject({ amount: '7', effective_at: '2026-01-01T00:00:00.000Z' });
  });
});

describe('a balance', () => {
  it('is that of the account now, and says up to when it is complete', async () => {
    const { ours, told, accounts } = await grown(counting());
    const { id, kind } = accounts[0] as (typeof accounts)[number];
    const last = told.instants().at(-1) as string;
    const { body } = await read(ours, `accounts/${id}/balance`);
    expect(body).toMatchObject({ account: id, basis: 'recorded', balance: String(normal(kind, told.told(id, last))) });
    const past = await read(ours, `accounts/${id}/balance?as_of=2026-01-01T00:00:00.000Z&basis=effective`);
    expect(past.body).toMatchObject({
      as_of: '2026-01-01T00:00:00.000Z',
      complete_until: '2026-01-01T00:00:00.000Z',
      posted_debits: '0',
    });
  });
});

describe('a trial balance', () => {
  it.each(BASES)('closes at every instant, by %s time', async (basis) => {
    const { ours, told, accounts } = await grown(counting());
    const instants = [...told.instants(), undefined];
    for (const at of instants) {
      const { body } = await read(ours, `trial_balance?basis=${basis}${at ? `&as_of=${at}` : ''}`);
      const rows = body['data'] as { kind: string; posted_debits: string; posted_credits: string }[];
      const [total] = body['totals'] as { posted_debits: string; posted_credits: string }[];
      expect(total?.posted_debits).toBe(total?.posted_credits);
      for (const { id, kind } of accounts) {
        const [debits, credits] = told.summed(id, at ?? '9999', basis);
        expect(rows.find((row) => row.kind === kind)).toMatchObject({
          posted_debits: String(debits),
          posted_credits: String(credits),
        });
      }
    }
  });
});

describe('an aggregate', () => {
  it('is of the account at the path and what lies below it, and of nothing that only begins alike', async () => {
    const ours = new CommandsOf();
    const ids = ['users:42', 'users:42:wallet', 'users:42:card:eu', 'users:421', 'users'].map((path) => ({
      id: newId('account'),
      path,
    }));
    const world = newId('account');
    await handle([
      ours.open(world, { overdraft: 'unbounded', kind: 'asset' }),
      ...ids.map(({ id, path }) => ours.open(id, { path })),
      ...ids.map(({ id }, at) => ours.transfer(world, id, String(10 ** at))),
      ours.hold(ids[1]?.id as string, world, '4'),
    ]);
    const { body } = await read(ours, 'accounts/aggregate?path=users:42');
    expect(body).toEqual({
      object: 'account_aggregate',
      path: 'users:42',
      data: [
        {
          asset: 'USD',
          accounts: 3,
          posted_debits: '0',
          posted_credits: '111',
          pending_debits: '4',
          pending_credits: '0',
          kinds: [
            {
              asset: 'USD',
              kind: 'liability',
              accounts: 3,
              posted_debits: '0',
              posted_credits: '111',
              balance: '111',
              pending_debits: '4',
              pending_credits: '0',
            },
          ],
        },
      ],
    });
    expect((await read(new CommandsOf(), 'accounts/aggregate?path=users:42')).body['data']).toEqual([]);
  });

  it('reads the accounts of the subtree alone, by index', async () => {
    const ours = new CommandsOf();
    await handle(Array.from({ length: 1_000 }, (_, at) => ours.open(newId('account'), { path: `users:${at}:wallet` })));
    const admin = new Client({ connectionString: db.adminUrl });
    await admin.connect();
    await admin.query('analyze accounts');
    const key = [`typeid_uuid('${ours.tenant}')`, 'false', `'users:42'::text`];
    const { rows, indexes } = await costOf(admin, SUBTREE_TOTALS, key);
    await admin.end();
    expect([rows, [...indexes].includes('accounts_one_per_path')]).toEqual([1, true]);
  });
});

describe('a history', () => {
  it('gives what the filters let through, newest first, page by page', async () => {
    const { ours, told, accounts } = await grown(counting());
    const { id } = accounts[3] as (typeof accounts)[number];
    const other = accounts[0]?.id as string;
    const group = ours.group([leg(id, other, '5'), leg(id, other, '90'), leg(other, id, '91')]);
    told.hear(await handle([group]));
    const mine = told.transfers.filter((one) => one.debit === id || one.credit === id).map((one) => one.id);
    const got = async (filters: string) =>
      (await pages(ours, `accounts/${id}/transfers?limit=2${filters}`)).flatMap((page) =>
        (page['data'] as { id: string; amount: string }[]).map((one) => ({ id: one.id, amount: one.amount })),
      );
    expect((await got('')).map((one) => one.id)).toEqual(mine.toReversed());
    expect((await got(`&group=${group.data.id}&amount[gte]=90`)).map((one) => one.amount)).toEqual(['91', '90']);
    expect((await got('&amount[gte]=6&amount[lte]=90')).map((one) => one.amount)).toContain('90');
    const last = told.instants().at(-1) as string;
    expect((await got(`&created[gte]=${last}`)).map((one) => one.amount)).toEqual(['91', '90', '5']);
    expect((await got(`&created[lt]=${last}`)).length).toBe(mine.length - 3);
  });
});

describe('a history by kind', () => {
  it('tells apart what transfers were made for', async () => {
    const ours = new CommandsOf();
    const [world, wallet] = [newId('account'), newId('account')];
    const mistaken = leg(world, wallet, '100');
    const place = { id: mistaken.id, debit: world, credit: wallet };
    const hold = ours.hold(wallet, world, '5');
    const group = ours.group([mistaken]);
    const correction = ours.correct(place, '90');
    const { reversal, replacement } = correction.data;
    const posting = ours.postHold({ id: hold.data.id, debit: wallet, credit: world }, null);
    await handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet), group, correction, hold, posting]);
    const got = async (filters: string) =>
      (await pages(ours, `accounts/${wallet}/transfers?limit=2${filters}`)).flatMap((page) =>
        (page['data'] as { id: string; kind: string }[]).map(({ id, kind }) => [id, kind]),
      );
    const all = [
      [posting.data.id, 'hold_posting'],
      [replacement.id, 'correction'],
      [reversal, 'reversal'],
      [mistaken.id, 'plain'],
    ];
    expect(await got('')).toEqual(all);
    for (const one of all) expect(await got(`&kind=${one[1]}`)).toEqual([one]);
    expect(await got(`&kind=correction&group=${correction.data.id}`)).toEqual([all[1]]);
    expect(await got(`&kind=plain&group=${correction.data.id}`)).toEqual([]);
    expect((await read(ours, `accounts/${wallet}/transfers?kind=refund`)).status).toBe(400);
  });
});

it('tells the group of a transfer in histories and statements where somebody asked for one', async () => {
  const ours = new CommandsOf();
  const [world, wallet] = [newId('account'), newId('account')];
  const [first, second, third] = [leg(world, wallet, '100'), leg(world, wallet, '10'), leg(world, wallet, '5')];
  const ownGroup = { id: fromUuid('group', uuidOf('transfer', first.id)) };
  const place = { id: first.id, debit: world, credit: wallet };
  const [alone, part] = [ours.group([first], ownGroup), ours.reverse(place, '1')];
  const correction = ours.correct(place, '90');
  const { reversal, replacement } = correction.data;
  // Its first leg bears the UUID of the group, as any leg may that is not the only one.
  const asked = ours.group([second, third], { id: fromUuid('group', uuidOf('transfer', second.id)) });
  const opened = [ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)];
  await handle([...opened, alone, part, correction, asked]);
  const groups = [
    [first.id, null],
    [part.data.transfer, null],
    [reversal, null],
    [replacement.id, null],
    [second.id, asked.data.id],
    [third.id, asked.data.id],
  ];
  const { body: history } = await read(ours, `accounts/${wallet}/transfers`);
  expect((history['data'] as { id: string; group: string }[]).map(({ id, group }) => [id, group]).reverse()).toEqual(
    groups,
  );
  const { body: statement } = await read(ours, `accounts/${wallet}/statement`);
  const lines = statement['lines'] as { transfer: string; group: string }[];
  expect(lines.map(({ transfer, group }) => [transfer, group])).toEqual(groups);
});

describe('a history by type and metadata', () => {
  it('shows both as they are now, and finds what has all that is asked for', async () => {
    const ours = new CommandsOf();
    const [world, wallet] = [newId('account'), newId('account')];
    const one = (more: Partial<ReturnType<typeof leg>>, metadata: Record<string, string>) => {
      const movement = leg(world, wallet, '100', more);
      return ours.group([movement], { id: fromUuid('group', uuidOf('transfer', movement.id)), metadata });
    };
    const [typed, plain] = [one({ type: 'fee' }, { order: '7', of: 'spec' }), one({}, { order: '8' })];
    const together = ours.group([leg(world, wallet, '1', { type: 'fee' })], { metadata: { order: '7' } });
    const transferOf = ({ data }: typeof typed) => data.legs[0]?.id as string;
    await handle([
      ours.open(world, { overdraft: 'unbounded' }),
      ours.open(wallet),
      ours.defineType('fee'),
      ours.defineType('rent'),
    ]);
    await handle([typed, plain, together]);
    await handle([ours.annotate({ id: transferOf(plain), debit: world }, { order: '9', of: 'spec' })]);
    const got = async (filters: Record<string, string>) =>
      (await pages(ours, `accounts/${wallet}/transfers?${new URLSearchParams({ limit: '2', ...filters })}`)).flatMap(
        (page) =>
          (page['data'] as { id: string; type: string | null; metadata: object }[]).map(({ id, type, metadata }) => [
            id,
            type,
            metadata,
          ]),
      );
    const all = [
      // Of a group, the group has the metadata.
      [transferOf(together), 'fee', {}],
      [transferOf(plain), null, { order: '9', of: 'spec' }],
      [transferOf(typed), 'fee', { order: '7', of: 'spec' }],
    ];
    expect(await got({})).toEqual(all);
    expect(await got({ type: 'fee' })).toEqual([all[0], all[2]]);
    expect(await got({ type: 'rent' })).toEqual([]);
    expect(await got({ metadata: '{"of":"spec"}' })).toEqual([all[1], all[2]]);
    expect(await got({ metadata: '{"of":"spec","order":"9"}' })).toEqual([all[1]]);
    expect(await got({ metadata: '{"order":"8"}' })).toEqual([]);
    expect(await got({ metadata: '{"of":"spec"}', type: 'fee', kind: 'plain' })).toEqual([all[2]]);
    for (const query of ['type=No', 'metadata=7', 'metadata=[]', 'metadata={"a":1}', 'metadata={'])
      expect((await read(ours, `accounts/${wallet}/transfers?${query}`)).status).toBe(400);
  });
});

describe('a stranger', () => {
  it('sees nothing, and needs the scope', async () => {
    const { ours, accounts } = await grown(counting());
    const id = accounts[0]?.id as string;
    for (const path of [`accounts/${id}/balance`, `accounts/${id}/statement`, `accounts/${id}/transfers`]) {
      expect((await read(ours, path)).status).toBe(200);
      expect((await read(ours, path, ['monitoring:read'])).status).toBe(403);
      expect((await read(new CommandsOf(), path)).status).toBe(404);
      expect((await read({ tenant: ours.tenant, livemode: true }, path)).status).toBe(404);
    }
    expect((await read(new CommandsOf(), 'trial_balance')).body).toMatchObject({ data: [], totals: [] });
    expect((await read(ours, 'accounts/acct_1/balance')).status).toBe(400);
    for (const query of ['as_of=2026-02-30T00:00:00Z', 'as_of=now', 'basis=booked', 'basis=recorded&basis=recorded'])
      expect((await read(ours, `accounts/${id}/balance?${query}`)).status).toBe(400);
    expect((await read(ours, `accounts/${id}/statement?after=1_2_3`)).status).toBe(400);
  });
});

describe('GET /transfers/:id/proof', () => {
  it('answers a proof that holds without the database, and only to the owner', async () => {
    const ours = new CommandsOf();
    const [world, wallet] = [newId('account'), newId('account')];
    const transfer = ours.transfer(world, wallet, '5');
    await handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet), transfer]);
    const path = `transfers/${transfer.data.id}/proof`;
    const as = (whose: CommandsOf, scopes = ['transfers:read']) => read(whose, path, scopes);
    expect(await as(ours)).toMatchObject({ status: 409, body: { code: 'transfer_not_sealed' } });
    // The horizon is the server's: transactions of other specs hold it back as long as they are open.
    await until('it is sealed', async () => {
      await ledger.running.app.get(Sealer).seal();
      return (await as(ours)).status === 200;
    });
    expect(faultOf((await as(ours)).body as unknown as InclusionProof)).toBeUndefined();
    expect((await as(new CommandsOf())).status).toBe(404);
    expect((await as(ours, ['accounts:read'])).status).toBe(403);
    expect((await read(ours, 'transfers/tr_x/proof', ['transfers:read'])).status).toBe(400);
  });
});
