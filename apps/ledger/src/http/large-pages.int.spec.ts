import { fromUuid, newId, uuidOf } from '@payflow/contracts';
import { FORWARDED_PAGE_BYTES_MAX } from '@payflow/invariants';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CommandsOf, leg } from '../testing/commands.js';
import { LedgerUnderTest } from '../testing/ledger-under-test.js';

const SCOPES = ['accounts:read', 'transfers:read'];
let ledger: LedgerUnderTest;

beforeAll(async () => {
  ledger = await LedgerUnderTest.open();
});
afterAll(() => ledger.close());

/** As much as may be sent, in characters of two bytes: 50 kB. */
const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`k${at}`, 'ä'.repeat(500)]));

/** Every page of a list of the most lines that a page can be asked for. */
async function pages(ours: CommandsOf, path: string) {
  const all: Record<string, unknown>[][] = [];
  for (let next: unknown = ''; typeof next === 'string';) {
    const { body } = await ledger.read(ours, `${path}?limit=200${next && `&after=${next}`}`, SCOPES);
    expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThan(FORWARDED_PAGE_BYTES_MAX + 1_000);
    all.push(body['data'] as Record<string, unknown>[]);
    next = body['next'];
  }
  return all;
}

/** Two accounts, and transfers with the most metadata that there can be, in the order in which they were made. */
async function moved(ours: CommandsOf, count: number) {
  const [world, wallet] = [newId('account'), newId('account')];
  await ledger.handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)]);
  const made: string[] = [];
  for (let nth = 0; nth < count; nth++) {
    const movement = leg(world, wallet, '1');
    await ledger.handle([ours.group([movement], { id: fromUuid('group', uuidOf('transfer', movement.id)), metadata })]);
    made.push(movement.id);
  }
  return { world, wallet, made };
}

it('pages of an account whose transfers have much metadata are as long as the gateway takes, and nothing is lost or told twice', async () => {
  const ours = new CommandsOf();
  const { wallet, made } = await moved(ours, 25);
  const told = await pages(ours, `accounts/${wallet}/transfers`);
  expect(told.length).toBeGreaterThan(1);
  expect(told.flat().map(({ id }) => id)).toEqual(made.toReversed());
  expect(told.flat().at(-1)).toMatchObject({ metadata });
});

it('what metadata has been is told by pages as long as the gateway takes', async () => {
  const ours = new CommandsOf();
  const { world, wallet, made } = await moved(ours, 1);
  const transfer = { id: made[0] as string, debit: world };
  const notes = Array.from({ length: 24 }, (_, at) => ({ ...metadata, note: String(at) }));
  for (const note of notes)
    await ledger.handle([ours.update(wallet, { metadata: note }), ours.annotate(transfer, note)]);
  const newestFirst = notes.map(({ note }) => note).toReversed();
  for (const [path, first] of [
    [`accounts/${wallet}`, {}],
    [`transfers/${transfer.id}`, metadata],
  ] as const) {
    const told = await pages(ours, `${path}/metadata_versions`);
    expect(told.length).toBeGreaterThan(1);
    const all = told.flat().map((version) => version['metadata'] as Record<string, string>);
    expect(all.slice(0, -1).map(({ note }) => note)).toEqual(newestFirst);
    expect(all.at(-1)).toEqual(first);
  }
});
