import { newId } from '@payflow/contracts';
import { statement } from '@payflow/database';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerCommand } from '../domain/decide.js';
import { LedgerCommandsHandler } from '../handlers/ledger-commands.handler.js';
import { CommandsOf, leg } from '../testing/commands.js';
import { LedgerUnderTest } from '../testing/ledger-under-test.js';

let ledger: LedgerUnderTest;
const handler = new LedgerCommandsHandler();

beforeAll(async () => {
  ledger = await LedgerUnderTest.open();
});
afterAll(() => ledger.close());

const handle = (commands: readonly LedgerCommand[]) => ledger.handle(commands);

/** What a group would come to. */
const tryOut = (ours: CommandsOf, data: object, scopes?: string[]) =>
  ledger.ask(ours, 'transfers/dry_run', { type: 'payflow.group.post.v1', data }, scopes);

describe('a dry run', () => {
  // What the ledger's sealer writes beside it is no group's.
  const EVERYTHING = statement(
    'spec.everything',
    `select (select count(*) from transfers)::integer as transfers, (select count(*) from verdicts)::integer as verdicts,
       (select count(*) from outbox where messages::text not like '%payflow.ledger.sealed%')::integer as rows, (select sum(version) from accounts)::text as versions`,
  );
  const everything = async () => (await ledger.db.database.rows(EVERYTHING))[0];

  it('is answered to a gateway of the version before, which asks about groups alone', async () => {
    const ours = new CommandsOf();
    const [from, to] = [newId('account'), newId('account')];
    await handle([ours.open(from, { overdraft: 'unbounded' }), ours.open(to)]);
    const { data } = ours.group([leg(from, to, '5')]);
    const { status, body } = await ledger.ask(ours, 'transfers/dry_run', data);
    expect([status, body]).toMatchObject([
      200,
      { outcome: 'posted', transfers: [{ id: data.legs[0]?.id, amount: '5' }] },
    ]);
    expect((await ledger.ask(ours, 'transfers/dry_run', { ...data, legs: undefined })).status).toBe(400);
  });

  it('says of random groups what then becomes of them, and leaves nothing', async () => {
    const seed = Date.now() & 0xffff;
    const next = fc.sample(fc.nat(), { numRuns: 2_000, seed }).values();
    const number = () => next.next().value ?? 0;
    const ours = new CommandsOf();
    const accounts = Array.from({ length: 6 }, () => newId('account'));
    const at = () => accounts[number() % accounts.length] as string;
    await handle(accounts.map((id, place) => ours.open(id, place === 0 ? { overdraft: 'unbounded' } : {})));
    const used = ours.transfer(accounts[0] as string, accounts[1] as string, '50');
    await handle([used]);
    const outcomes = new Set<string>();
    for (let round = 0; round < 100; round++) {
      const legs = Array.from({ length: 1 + (number() % 3) }, () =>
        leg(at(), at(), String(number() % 60), {
          up_to: number() % 3 === 0,
          ...(number() % 20 === 0 ? { id: used.data.id } : {}),
        }),
      );
      const conditions =
        number() % 5 === 0 ? [{ account: at(), version: null, balance_gte: '20', balance_lte: null }] : [];
      const group = ours.group(legs, { conditions });
      const before = await everything();
      const tried = await tryOut(ours, group.data);
      expect([tried.status, await everything()]).toEqual([200, before]);
      const [message] = await handle([group]);
      const told = message?.data as unknown as Record<string, unknown>;
      const isPosted = message?.type === 'payflow.group.posted.v1';
      const [reason, legAt] = [told['reason'] as string, told['leg'] as number | null];
      outcomes.add(isPosted ? 'posted' : reason);
      expect(tried.body, `seed ${seed}`).toMatchObject({
        object: 'transfer_dry_run',
        outcome: isPosted ? 'posted' : 'failed',
        failure: isPosted ? null : { code: reason, leg: legAt },
        transfers: isPosted ? told['legs'] : [],
        accounts: isPosted ? (told['accounts'] as object[]) : [],
      });
      // A copy of what has been asked for would be refused at the door.
      expect((await tryOut(ours, group.data)).body).toMatchObject({
        outcome: 'failed',
        failure: { code: 'id_reused' },
      });
    }
    expect([...outcomes]).toEqual(expect.arrayContaining(['posted', 'insufficient_funds', 'accounts_identical']));
  });

  it('tells the balances after it', async () => {
    const ours = new CommandsOf();
    const [world, wallet] = [newId('account'), newId('account')];
    await handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet), ours.transfer(world, wallet, '70')]);
    const { body } = await tryOut(ours, ours.group([leg(wallet, world, '100', { up_to: true })]).data);
    expect(body).toMatchObject({ outcome: 'posted', transfers: [{ amount: '70' }] });
    expect(body['accounts']).toMatchObject([
      { id: wallet, balance: '0', available: '0', version: 3 },
      { id: world, balance: '0' },
    ]);
  });

  it('keeps to closed months and to transaction types', async () => {
    const ours = new CommandsOf();
    const [world, wallet] = [newId('account'), newId('account')];
    await handle([
      ours.open(world, { overdraft: 'unbounded', path: 'bank:world' }),
      ours.open(wallet, { path: 'users:7:wallet' }),
      ours.defineType('wallet_topup', { credit: [{ path: 'users:*:wallet', kind: null }] }),
      ours.closePeriod('2026-01'),
    ]);
    const outcome = async (data: object) => {
      const { body } = await tryOut(ours, data);
      return (body['failure'] as { readonly code: string } | null)?.code ?? body['outcome'];
    };
    const topUp = (from: string, to: string) => ours.group([leg(from, to, '1', { type: 'wallet_topup' })]).data;
    expect(await outcome(topUp(world, wallet))).toBe('posted');
    expect(await outcome(topUp(wallet, world))).toBe('posting_rule_broken');
    const past = { effective_at: '2026-01-31T00:00:00.000Z' };
    expect(await outcome(ours.group([leg(world, wallet, '1')], past).data)).toBe('period_closed');
  });

  it('waits for nobody who holds the accounts, and sees what is committed', async () => {
    const ours = new CommandsOf();
    const [world, wallet] = [newId('account'), newId('account')];
    await handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)]);
    await ledger.db.database.transaction(async (tx) => {
      await handler.handle([ours.transfer(world, wallet, '70')], tx);
      const { body } = await tryOut(ours, ours.group([leg(wallet, world, '1')]).data);
      expect(body).toMatchObject({ outcome: 'failed', failure: { code: 'insufficient_funds', leg: 0 } });
    });
    expect((await tryOut(ours, ours.group([leg(wallet, world, '1')]).data)).body['outcome']).toBe('posted');
  });

  it('of the largest group fits a request', async () => {
    const ours = new CommandsOf();
    const [world, wallet] = [newId('account'), newId('account')];
    await handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)]);
    const most = { amount: '9'.repeat(18), asset: 'POINTSPOINTS' };
    const legs = Array.from({ length: 1_000 }, () => leg(world, wallet, '1', most));
    const bound = `-${'9'.repeat(18)}`;
    const condition = { account: wallet, version: Number.MAX_SAFE_INTEGER, balance_gte: bound, balance_lte: bound };
    const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`k${at}`, 'x'.repeat(500)]));
    const group = ours.group(legs, { conditions: Array.from({ length: 100 }, () => condition), metadata });
    expect((await tryOut(ours, group.data)).body).toMatchObject({ failure: { code: 'condition_failed' } });
  });

  it('is for those who may transfer, and for groups', async () => {
    const ours = new CommandsOf();
    const { data } = ours.group([leg(newId('account'), newId('account'), '1')]);
    expect((await tryOut(ours, data, ['transfers:read'])).status).toBe(403);
    expect((await tryOut(ours, { ...data, legs: [] })).body).toMatchObject({ status: 400, code: 'invalid_request' });
    expect((await tryOut(ours, data)).body).toMatchObject({ failure: { code: 'account_not_found', leg: 0 } });
  });

  it('takes the largest group that can be asked for', async () => {
    const ours = new CommandsOf();
    const [world, wallet] = [newId('account'), newId('account')];
    await handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)]);
    const legs = Array.from({ length: 1_000 }, () =>
      leg(world, wallet, '1000000000000000000', { type: 'a'.repeat(60) }),
    );
    const { data } = ours.group(legs, { metadata: { note: 'x'.repeat(500) } });
    expect(JSON.stringify(data).length).toBeGreaterThan(262_144);
    const tried = await tryOut(ours, data);
    expect([tried.status, tried.body['failure']]).toEqual([200, { code: 'transaction_type_not_found', leg: 0 }]);
  });
});
