import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import type { AnyOutgoing } from '@payflow/messaging';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerCommand } from '../domain/decide.js';
import { TRIED } from '../reads/dry-run.js';
import { CommandsOf, leg } from '../testing/commands.js';
import { LedgerUnderTest } from '../testing/ledger-under-test.js';
import { RandomCommands } from '../testing/random-commands.js';

let ledger: LedgerUnderTest;
beforeAll(async () => {
  ledger = await LedgerUnderTest.open();
});
afterAll(() => ledger.close());

const handle = (commands: readonly LedgerCommand[]) => ledger.handle(commands);

type Scope = keyof typeof TRIED;
const isOf = (scope: Scope, type: string) => (TRIED[scope] as readonly string[]).includes(type);

/** What the command would come to. */
function tryOut(command: LedgerCommand, asked: { readonly scopes?: string[]; readonly at?: string } = {}) {
  const { type, data } = command;
  const scope: Scope = isOf('holds:write', type) ? 'holds:write' : 'transfers:write';
  const { at = scope.slice(0, scope.indexOf(':')), scopes = [scope] } = asked;
  return ledger.ask(command, `${at}/dry_run`, { type, data }, scopes);
}

/** All that a dry run could leave; what the ledger's sealer and closer write beside it is no command's. */
const EVERYTHING = statement(
  'spec.everything-of-commands',
  `select (select count(*) from transfers)::integer as transfers, (select count(*) from verdicts)::integer as verdicts,
     (select count(*) from outbox where messages::text !~ 'payflow.(ledger.sealed|period.closed)')::integer as rows,
     (select sum(version) from accounts)::text as versions, (select sum(version) from holds)::text as held,
     (select sum(version) from reversals)::text as reversals, (select count(*) from metadata_versions)::integer as metadata,
     (select count(*) from typed_transfers)::integer as typed`,
);
const everything = async () => (await ledger.db.database.rows(EVERYTHING))[0];

type Told = Readonly<Record<string, unknown>>;
const OUTCOMES: Readonly<Record<string, string>> = {
  'payflow.group.posted.v1': 'posted',
  'payflow.hold.placed.v1': 'held',
  'payflow.hold.posted.v1': 'posted',
  'payflow.hold.voided.v1': 'voided',
};
const COUNTERS = ['id', 'posted_debits', 'posted_credits', 'pending_debits', 'pending_credits', 'version'];
const FACTS = ['id', 'status', 'amount', 'posted', 'asset', 'expires_at', 'version'];
const picked = (all: Told, names: readonly string[]) => Object.fromEntries(names.map((name) => [name, all[name]]));

/** What a dry run must have said of a command that was answered so. */
function foretold({ type, data }: AnyOutgoing): Told {
  const told = data as unknown as Told;
  const isHold = type.startsWith('payflow.hold.');
  const object = isHold ? 'hold_dry_run' : 'transfer_dry_run';
  if ('reason' in told)
    return {
      ...{ object, outcome: 'failed', failure: { code: told['reason'], leg: told['leg'] ?? null } },
      ...{ transfers: [], accounts: [], ...(isHold ? { hold: null } : {}) },
    };
  const outcome = OUTCOMES[type] ?? type;
  if (!isHold)
    return { object, outcome, failure: null, transfers: told['legs'], accounts: told['accounts'] as readonly Told[] };
  const [debit, credit] = [told['debit_account'], told['credit_account']] as [Told, Told];
  const sides = { debit_account: debit['id'], credit_account: credit['id'] };
  const posting = { id: told['transfer'], ...sides, amount: told['transferred'], asset: told['asset'] };
  return {
    ...{ object, outcome, failure: null, hold: { ...picked(told, FACTS), ...sides } },
    transfers: outcome === 'posted' ? [posting] : [],
    accounts: [debit, credit].map((account) => picked(account, COUNTERS)),
  };
}

/** Tries a command, sees that nothing is left, does it, and sees that it came as it was told. */
async function triedAndDone(command: LedgerCommand, hint = ''): Promise<string> {
  const before = await everything();
  const tried = await tryOut(command);
  expect([tried.status, await everything()], hint).toEqual([200, before]);
  const [message] = (await handle([command])) as [AnyOutgoing];
  expect(tried.body, `${hint} ${command.type}`).toMatchObject(foretold(message));
  return String((message.data as unknown as Told)['reason'] ?? OUTCOMES[message.type]);
}

async function opened() {
  const ours = new CommandsOf();
  const [world, wallet] = [newId('account'), newId('account')];
  await handle([
    ours.open(world, { overdraft: 'unbounded', path: 'bank:world' }),
    ours.open(wallet, { path: 'users:7:wallet' }),
    ours.transfer(world, wallet, '100'),
  ]);
  return { ours, world, wallet };
}

describe('a dry run of any command that moves money or holds it', () => {
  it('says what then becomes of it, and leaves nothing', { timeout: 120_000 }, async () => {
    const seed = Date.now() & 0xffff;
    const numbers = fc.sample(fc.nat(), { numRuns: 4_000, seed }).values();
    const random = new RandomCommands(() => numbers.next().value ?? 0);
    await handle(random.openings());
    const done = new Set<string>();
    const outcomes = new Map<string, Set<string>>();
    for (let round = 0; round < 300; round++) {
      const command = random.another();
      const isTried = isOf('transfers:write', command.type) || isOf('holds:write', command.type);
      // A copy of a command is told again what the first was told; what is tried is asked for anew.
      if (!isTried || done.has(command.id)) await handle([command]);
      else
        outcomes.set(
          command.type,
          (outcomes.get(command.type) ?? new Set()).add(await triedAndDone(command, `seed ${seed}, ${round}`)),
        );
      done.add(command.id);
    }
    const types = Object.values(TRIED).flat();
    expect([...outcomes.keys()].sort()).toEqual([...types].sort());
    for (const type of types) expect([type, outcomes.get(type)?.size]).not.toEqual([type, 1]);
  });

  it('tells what a hold would be, and what would be available beside it', async () => {
    const { ours, world, wallet } = await opened();
    const hold = ours.hold(wallet, world, '70', { expires_at: '2099-01-01T00:00:00.000Z' });
    const { body } = await tryOut(hold);
    expect(body).toEqual({
      ...{ object: 'hold_dry_run', outcome: 'held', failure: null, transfers: [], as_of: body['as_of'] },
      hold: {
        ...{ id: hold.data.id, status: 'pending', debit_account: wallet, credit_account: world, asset: 'USD' },
        ...{ amount: '70', posted: '0', expires_at: '2099-01-01T00:00:00.000Z', type: null, version: 1 },
      },
      accounts: [
        expect.objectContaining({ id: wallet, balance: '100', available: '30', pending_debits: '70' }),
        expect.objectContaining({ id: world, pending_credits: '70' }),
      ],
    });
    expect(await triedAndDone(hold)).toBe('held');
    const claim = { id: hold.data.id, debit: wallet, credit: world };
    const part = await tryOut(ours.postHold(claim, '20', false));
    expect(part.body).toMatchObject({ outcome: 'posted', hold: { status: 'pending', posted: '20', version: 2 } });
    expect(part.body['accounts']).toMatchObject([{ balance: '80', available: '30' }, {}]);
    const rest = await tryOut(ours.postHold(claim, '20'));
    expect(rest.body).toMatchObject({ outcome: 'posted', hold: { status: 'posted' }, transfers: [{ amount: '20' }] });
    expect(rest.body['accounts']).toMatchObject([{ balance: '80', available: '80', pending_debits: '0' }, {}]);
  });

  it('is held against what whoever asks has seen', async () => {
    const { ours, world, wallet } = await opened();
    const hold = ours.hold(wallet, world, '10');
    const transfer = ours.transfer(wallet, world, '10');
    await handle([hold, transfer]);
    const claim = { id: hold.data.id, debit: wallet, credit: world };
    const original = { id: transfer.data.id, debit: wallet, credit: world };
    const otherwise = { if_standing: { version: 1, reversed: '1' } };
    expect(await triedAndDone(ours.postHold(claim, '1', false, { if_version: 2 }))).toBe('version_differs');
    expect(await triedAndDone(ours.postHold(claim, '1', false, { if_version: 1 }))).toBe('posted');
    expect(await triedAndDone(ours.voidHold(claim, false, { if_version: 1 }))).toBe('version_differs');
    expect(await triedAndDone(ours.voidHold(claim, false, { if_version: 2 }))).toBe('voided');
    expect(await triedAndDone(ours.voidHold(claim))).toBe('hold_not_pending');
    expect(await triedAndDone(ours.reverse(original, '5', otherwise))).toBe('version_differs');
    expect(await triedAndDone(ours.reverse(original, '5'))).toBe('posted');
    expect(await triedAndDone(ours.reverse(original, '6'))).toBe('reversal_exceeds_original');
    expect(await triedAndDone(ours.correct(original, null, otherwise))).toBe('version_differs');
    expect(await triedAndDone(ours.correct(original, null))).toBe('posted');
    expect(await triedAndDone(ours.correct(original, null))).toBe('transfer_corrected');
  });

  it('keeps to rules and closed months', async () => {
    const { ours, world, wallet } = await opened();
    await handle([
      ours.defineType('wallet_topup', { credit: [{ path: 'users:*:wallet', kind: null }] }),
      ours.closePeriod('2026-01'),
    ]);
    const topUp = { type: 'wallet_topup' };
    expect(await triedAndDone(ours.hold(wallet, world, '1', topUp))).toBe('posting_rule_broken');
    const hold = ours.hold(world, wallet, '1', topUp);
    expect((await tryOut(hold)).body).toMatchObject({ hold: { type: 'wallet_topup' } });
    expect(await triedAndDone(hold)).toBe('held');
    const transfer = ours.transfer(wallet, world, '10');
    await handle([transfer]);
    const original = { id: transfer.data.id, debit: wallet, credit: world };
    expect(await triedAndDone(ours.reverse(original, '1', { type: 'nothing' }))).toBe('transaction_type_not_found');
    expect(await triedAndDone(ours.reverse(original, '1', topUp))).toBe('posted');
    const past = { effective_at: '2026-01-31T00:00:00.000Z' };
    expect(await triedAndDone(ours.correct(original, '1', past))).toBe('period_closed');
    const open = { effective_at: '2026-02-01T00:00:00.000Z' };
    expect((await tryOut(ours.correct(original, '1', open))).body['transfers']).toMatchObject([
      { debit_account: world, amount: '9' },
      { debit_account: wallet, amount: '1', effective_at: open.effective_at },
    ]);
  });

  it('finds the ids that are in use', async () => {
    const { ours, world, wallet } = await opened();
    const [hold, transfer] = [ours.hold(wallet, world, '10'), ours.transfer(wallet, world, '10')];
    await handle([hold, transfer]);
    const { id } = transfer.data;
    const claim = { id: hold.data.id, debit: wallet, credit: world };
    const original = { id, debit: wallet, credit: world };
    const failing = [
      ours.hold(wallet, world, '1', { id: hold.data.id }),
      ours.postHold(claim, '1', true, { id }),
      ours.reverse(original, '1', { transfer: id }),
      ours.correct(original, '1', { reversal: id }),
    ];
    for (const command of failing) expect(await triedAndDone(command)).toBe('id_reused');
  });

  it('judges the time that was given by the clock, and not by the last change of an account', async () => {
    const { ours, world, wallet } = await opened();
    const ahead = statement('spec.ahead-of-the-clock', 'update accounts set last_recorded_at = $1 where id = $2');
    const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
    await ledger.db.database.rows(ahead, [inMs(3_600_000), uuidOf('account', wallet)]);
    expect(await triedAndDone(ours.hold(wallet, world, '1', { expires_at: inMs(1_800_000) }))).toBe('held');
    expect(await triedAndDone(ours.hold(wallet, world, '1', { expires_at: inMs(-1) }))).toBe('hold_expired');
  });

  it('waits for nobody who holds the hold, and sees what is committed', async () => {
    const { ours, world, wallet } = await opened();
    const hold = ours.hold(wallet, world, '10');
    await handle([hold]);
    const claim = { id: hold.data.id, debit: wallet, credit: world };
    const lock = statement('spec.lock-hold', 'select 1 from holds where id = $1 for update');
    await ledger.db.database.transaction(async (tx) => {
      await tx.rows(lock, [uuidOf('hold', hold.data.id)]);
      expect((await tryOut(ours.voidHold(claim))).body['outcome']).toBe('voided');
    });
  });

  it('is for who may do the same, of their own, and for what can be tried', async () => {
    const { ours, world, wallet } = await opened();
    const hold = ours.hold(wallet, world, '10');
    await handle([hold]);
    const ended = ours.voidHold({ id: hold.data.id, debit: wallet, credit: world });
    expect((await tryOut(ended, { scopes: ['transfers:write', 'holds:read'] })).status).toBe(403);
    expect((await tryOut(ours.group([leg(wallet, world, '1')]), { scopes: ['holds:write'] })).status).toBe(403);
    // Each where its scope is.
    const elsewhere = { at: 'transfers', scopes: ['transfers:write'] };
    expect((await tryOut(ended, elsewhere)).status).toBe(400);
    const theirs = { ...ended, tenant: newId('tenant') };
    expect((await tryOut(theirs)).body).toMatchObject({ failure: { code: 'hold_not_found', leg: null } });
    const opening = ours.open(newId('account'));
    expect((await tryOut(opening, elsewhere)).body).toMatchObject({ status: 400, code: 'invalid_request' });
    const damaged = { ...ended, data: { ...ended.data, expired: 'no' } } as never;
    expect((await tryOut(damaged)).body).toMatchObject({ status: 400, code: 'invalid_request' });
    const bare = await ledger.ask(ours, 'holds/dry_run', ended.data, ['holds:write']);
    expect(bare.body).toMatchObject({ status: 400, code: 'invalid_request' });
  });
});
