import { fromUuid, newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerCommand } from '../domain/decide.js';
import { CommandsOf, leg } from '../testing/commands.js';
import { LedgerUnderTest } from '../testing/ledger-under-test.js';

interface Version {
  readonly version: number;
  readonly metadata: Record<string, string>;
  readonly actor: string | null;
  readonly recorded_at: string;
}

let ledger: LedgerUnderTest;
const ours = new CommandsOf();
const SCOPES = ['accounts:read', 'transfers:read'];

beforeAll(async () => {
  ledger = await LedgerUnderTest.open();
});
afterAll(() => ledger.close());

async function opened() {
  const [world, wallet] = [newId('account'), newId('account')];
  await ledger.handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)]);
  return { world, wallet };
}

/** A transfer as the gateway asks for one, known by the UUID of its group. */
async function posted(metadata: Record<string, string>) {
  const { world, wallet } = await opened();
  const one = leg(world, wallet, '5');
  const group = ours.group([one], { id: fromUuid('group', uuidOf('transfer', one.id)), metadata });
  await ledger.handle([group]);
  return { id: one.id, debit: world, credit: wallet };
}

const page = (path: string) => ledger.read(ours, path, SCOPES);
async function versions(path: string): Promise<Version[]> {
  return ((await page(path)).body as unknown as { data: Version[] }).data;
}
const said = (all: readonly Version[]) => all.map(({ version, metadata, actor }) => [version, metadata, actor]);
const by = (actor: string, command: LedgerCommand): LedgerCommand => ({ ...command, actor });

describe('metadata of an account', () => {
  it('is told as it was at each version of the account, with who asked for it', async () => {
    const [id, world] = [newId('account'), newId('account')];
    const path = `accounts/${id}/metadata_versions`;
    await ledger.handle([
      by('key_1', ours.open(id, { metadata: { a: '1' } })),
      ours.open(world, { overdraft: 'unbounded' }),
      ours.transfer(world, id, '5'),
      by('key_2', ours.update(id, { metadata: { a: '2' } })),
      by('key_3', ours.update(id, { metadata: {} })),
      ours.update(id, { state: 'frozen' }),
    ]);
    await ledger.handle([by('key_4', ours.update(id, { metadata: { a: '3' } }))]);
    const all = await versions(path);
    expect(said(all)).toEqual([
      [6, { a: '3' }, 'key_4'],
      [4, {}, 'key_3'],
      [3, { a: '2' }, 'key_2'],
      [1, { a: '1' }, 'key_1'],
    ]);
    const first = (await page(`${path}?limit=3`)).body;
    expect(first).toMatchObject({ data: all.slice(0, 3), next: '3' });
    expect((await page(`${path}?limit=3&after=3`)).body).toEqual({ data: all.slice(3), next: null });
  });

  it('is not told of a refused or a repeated change', async () => {
    const id = newId('account');
    const change = ours.update(id, { metadata: { a: '2' }, if_version: 1 });
    await ledger.handle([ours.open(id), change, change, ours.update(id, { metadata: { a: '3' }, if_version: 1 })]);
    expect((await versions(`accounts/${id}/metadata_versions`)).map(({ metadata }) => metadata)).toEqual([
      { a: '2' },
      {},
    ]);
  });
});

describe('metadata of a transfer', () => {
  it('changes after it was booked, and touches neither the transfer nor its accounts', async () => {
    const transfer = await posted({ order: '7' });
    const before = (await page(`transfers/${transfer.id}`)).body;
    const sums = async () => [
      await page(`accounts/${transfer.debit}/balance`),
      await page(`accounts/${transfer.credit}/balance`),
    ];
    const balances = (await sums()).map(({ body }) => body['balance']);
    const [message] = await ledger.handle([by('key_1', ours.annotate(transfer, { order: '8' }, 1))]);
    expect(message).toMatchObject({
      type: 'payflow.transfer.updated.v1',
      subject: transfer.id,
      aggregateVersion: 2,
      data: {
        ...{
          id: transfer.id,
          debit_account: transfer.debit,
          credit_account: transfer.credit,
          amount: '5',
          asset: 'USD',
        },
        ...{
          recorded_at: before['recorded_at'],
          effective_at: before['effective_at'],
          metadata: { order: '8' },
          version: 2,
        },
      },
    });
    expect((await page(`transfers/${transfer.id}`)).body).toEqual({ ...before, version: 2 });
    expect((await sums()).map(({ body }) => body['balance'])).toEqual(balances);
    expect(said(await versions(`transfers/${transfer.id}/metadata_versions`))).toEqual([
      [2, { order: '8' }, 'key_1'],
      [1, { order: '7' }, 'spec'],
    ]);
  });

  it('begins with what it was booked with, though nobody has said any', async () => {
    const path = ({ id }: { id: string }) => `transfers/${id}/metadata_versions`;
    const transfer = await posted({});
    const { recorded_at } = (await page(`transfers/${transfer.id}`)).body;
    const first = { object: 'metadata_version', version: 1, metadata: {}, actor: null, recorded_at };
    expect((await page(path(transfer))).body).toEqual({ data: [first], next: null });
    await ledger.handle([ours.annotate(transfer, { a: '1' }), ours.annotate(transfer, { a: '2' })]);
    expect((await versions(path(transfer))).map(({ version, metadata }) => [version, metadata])).toEqual([
      [3, { a: '2' }],
      [2, { a: '1' }],
      [1, {}],
    ]);
    expect((await page(`${path(transfer)}?limit=2`)).body).toMatchObject({ next: '2' });
    expect((await page(`${path(transfer)}?limit=2&after=2`)).body).toEqual({ data: [first], next: null });
  });

  it('of a time before versions were kept is told from what was answered then', async () => {
    const transfer = await posted({ order: '7' });
    const uuid = uuidOf('transfer', transfer.id);
    await ledger.db.tamper(`delete from metadata_versions where id = '${uuid}'`);
    const told = said(await versions(`transfers/${transfer.id}/metadata_versions`));
    expect(told).toEqual([[1, { order: '7' }, null]]);
  });

  it('of one booked in the same batch, and of reversals and corrections, as of any other', async () => {
    const original = await posted({});
    const [reversal, correction] = [
      ours.reverse(original, '1'),
      ours.correct(original, '3', { metadata: { why: 'typo' } }),
    ];
    const replacement = { id: correction.data.replacement.id, debit: original.debit };
    const answers = await ledger.handle([
      reversal,
      correction,
      ours.annotate({ id: reversal.data.transfer, debit: original.credit }, { a: '1' }),
      ours.annotate(replacement, { a: '2' }),
    ]);
    expect(answers.slice(2)).toMatchObject([
      { data: { reverses: original.id, corrects: null, version: 2, amount: '1' } },
      { data: { reverses: null, corrects: original.id, version: 2, amount: '3' } },
    ]);
    const [later] = await ledger.handle([ours.annotate(replacement, { a: '3' }, 2)]);
    expect(later?.data).toMatchObject({ corrects: original.id, version: 3 });
    const told = await versions(`transfers/${replacement.id}/metadata_versions`);
    expect(told.map(({ metadata }) => metadata)).toEqual([{ a: '3' }, { a: '2' }, { why: 'typo' }]);
  });

  it('is refused where there is no such transfer, or it has another version; a copy gets the first answer', async () => {
    const transfer = await posted({});
    const change = ours.annotate(transfer, { a: '1' }, 1);
    const answers = await ledger.handle([
      change,
      ours.annotate(transfer, { a: '2' }, 1),
      ours.annotate({ ...transfer, debit: transfer.credit }, {}),
      ours.annotate({ ...transfer, id: newId('transfer') }, {}),
      change,
    ]);
    expect(answers.map(({ type, data }) => ('reason' in data ? data.reason : type))).toEqual([
      'payflow.transfer.updated.v1',
      'version_differs',
      'transfer_not_found',
      'transfer_not_found',
      'payflow.transfer.updated.v1',
    ]);
    expect(answers[4]).toMatchObject({ id: answers[0]?.id, resent: true });
    expect(await versions(`transfers/${transfer.id}/metadata_versions`)).toHaveLength(2);
  });
});

it('is shown to its owner alone, and never changes', async () => {
  const transfer = await posted({ order: '7' });
  for (const [path, scope] of [
    [`transfers/${transfer.id}/metadata_versions`, 'transfers:read'],
    [`accounts/${transfer.debit}/metadata_versions`, 'accounts:read'],
  ] as const) {
    expect((await ledger.read(ours, path, [scope])).status).toBe(200);
    expect((await ledger.read(ours, path, ['monitoring:read'])).status).toBe(403);
    expect((await ledger.read(new CommandsOf(), path, [scope])).status).toBe(404);
    expect((await ledger.read({ tenant: ours.tenant, livemode: true }, path, [scope])).status).toBe(404);
    for (const query of ['limit=0', 'limit=201', 'after=0', 'after=x'])
      expect((await ledger.read(ours, `${path}?${query}`, [scope])).status).toBe(400);
  }
  const change = statement('spec.change', `update metadata_versions set metadata = '{}'`);
  await expect(ledger.db.database.rows(change)).rejects.toThrow(/permission denied|append-only/);
});
