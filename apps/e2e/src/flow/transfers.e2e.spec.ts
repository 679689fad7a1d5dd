import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newId } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonOf, type Reply } from '../house/api-client.js';
import { House } from '../house/house.js';
import { Merchant } from '../house/merchant.js';

const ANSWERED_WITHIN_MS = 60_000;
const WAIT_S = 10;
/** A seal each minute, and a busy machine. */
const SEALED_WITHIN_MS = 120_000;
type Resource = Record<string, unknown> & { readonly id: string };

describe('the books over HTTP', () => {
  let house: House;
  let merchant: Merchant;
  let alice: string;
  let bob: string;

  beforeAll(async () => {
    house = await House.open({ name: 'books' });
    merchant = await Merchant.open(house.databases, house.api, 3);
    [alice = '', bob = ''] = merchant.accounts;
  });
  afterAll(async () => {
    merchant?.close();
    await house?.close();
  });

  /** Sends until it is final; the same key each time. */
  async function send(path: string, body: object, more: { method?: string; headers?: Record<string, string> } = {}) {
    const headers = { ...(more.method === 'PATCH' ? { 'if-match': '*' } : {}), ...more.headers };
    const options = { body: JSON.stringify(body), idempotencyKey: newId('event'), wait_s: WAIT_S, ...more, headers };
    const reply = await until(
      `${path} is answered`,
      async () => {
        const answer = await merchant.api.call(`/api/v1${path}`, options);
        return answer.kind === 'answer' && answer.status !== 202 ? answer : undefined;
      },
      ANSWERED_WITHIN_MS,
    );
    const again = await merchant.api.call(`/api/v1${path}`, options);
    expect(again).toMatchObject({ status: reply.status, body: reply.body });
    return reply;
  }
  const made = async (path: string, body: object): Promise<Resource> => {
    const reply = await send(path, body);
    expect(told(reply)).toBe('201');
    return jsonOf<Resource>(reply);
  };
  const read = async (path: string) => jsonOf<Resource>(await merchant.api.call(`/api/v1${path}`));
  const leg = (more: Record<string, unknown> = {}) => ({
    debit_account: alice,
    credit_account: bob,
    amount: '100',
    asset: 'USD',
    ...more,
  });

  function told(reply: Reply): string {
    const { code = '' } = reply.status >= 400 ? jsonOf<{ code?: string }>(reply) : {};
    return `${reply.status} ${code}`.trim();
  }

  const tryOut = async (path: string, body: object): Promise<Resource> =>
    jsonOf<Resource>(await merchant.api.call(`/api/v1${path}`, { body: JSON.stringify({ dry_run: true, ...body }) }));

  it('post a transfer, and show it as the ledger booked it', async () => {
    const before = await read(`/accounts/${alice}`);
    const transfer = await made('/transfers', leg({ metadata: { a: 'b' } }));
    expect(transfer).toMatchObject({ status: 'posted', amount: '100', group: null, metadata: { a: 'b' } });
    expect(await read(`/transfers/${transfer.id}`)).toEqual(transfer);
    const after = await read(`/accounts/${alice}`);
    expect(BigInt(before['balance'] as string) - BigInt(after['balance'] as string)).toBe(100n);
    expect(told(await send('/transfers', leg({ debit_account: merchant.pauper })))).toBe('402 insufficient_funds');
  });

  it('post as much as there is, and under conditions', async () => {
    const { id } = await made('/accounts', { asset: 'USD' });
    await made('/transfers', leg({ credit_account: id, amount: '70' }));
    const { version } = await read(`/accounts/${id}`);
    const conditions = [{ account: id, version, balance_gte: '70', balance_lte: '70' }];
    const emptied = await made('/transfers', leg({ debit_account: id, amount: '1000', up_to: true, conditions }));
    expect(emptied['amount']).toBe('70');
    expect(told(await send('/transfers', leg({ conditions })))).toBe('409 condition_failed');
  });

  it('are tried out, and are as they were', async () => {
    const before = await read(`/accounts/${alice}`);
    const legs = Array.from({ length: 1_000 }, () => leg({ amount: '1' }));
    const told = await tryOut('/transfers', { legs });
    expect(told).toMatchObject({ object: 'transfer_dry_run', outcome: 'posted', failure: null });
    const after = (told['accounts'] as Resource[]).find(({ id }) => id === alice);
    expect(BigInt(before['balance'] as string) - BigInt(after?.['balance'] as string)).toBe(1_000n);
    expect(await tryOut('/transfers', { legs: [leg(), leg({ debit_account: merchant.pauper })] })).toMatchObject({
      outcome: 'failed',
      failure: { code: 'insufficient_funds', leg: 1 },
    });
    expect(await read(`/accounts/${alice}`)).toEqual(before);
  });

  it('are tried out as what is held, ended, moved back and corrected is, and are as they were', async () => {
    const [hold, original] = [await made('/holds', leg()), await made('/transfers', leg())];
    const places = [`/accounts/${alice}`, `/holds/${hold.id}`, `/transfers/${original.id}`];
    const before = await Promise.all(places.map(read));
    const placed = await tryOut('/holds', leg());
    expect(placed).toMatchObject({ outcome: 'held', hold: { id: null, status: 'pending' }, transfers: [] });
    const posted = await tryOut(`/holds/${hold.id}/post`, { amount: '30' });
    expect(posted).toMatchObject({ outcome: 'posted', hold: { id: hold.id, posted: '30' } });
    expect(posted['transfers']).toMatchObject([{ id: null, debit_account: alice, amount: '30' }]);
    expect(await tryOut(`/holds/${hold.id}/void`, {})).toMatchObject({ outcome: 'voided', hold: { status: 'voided' } });
    const beyond = await tryOut(`/transfers/${original.id}/reverse`, { amount: '101' });
    expect(beyond).toMatchObject({ outcome: 'failed', failure: { code: 'reversal_exceeds_original', leg: null } });
    const corrected = await tryOut(`/transfers/${original.id}/correct`, { amount: '90' });
    expect(corrected['transfers']).toMatchObject([{ debit_account: bob, amount: '100' }, { amount: '90' }]);
    expect(await Promise.all(places.map(read))).toEqual(before);
  });

  it('are read back as of any instant, line by line, and closed', async () => {
    const { id } = await made('/accounts', { asset: 'USD', path: `books:${newId('event')}:wallet` });
    const first = await made('/transfers', leg({ credit_account: id, amount: '70' }));
    await made('/transfers', leg({ debit_account: id, credit_account: bob, amount: '30' }));
    const then = encodeURIComponent(first['recorded_at'] as string);
    expect(await read(`/accounts/${id}/balance`)).toMatchObject({ balance: '40', posted_debits: '30' });
    expect(await read(`/accounts/${id}/balance?as_of=${then}`)).toMatchObject({ balance: '70', basis: 'recorded' });
    const statement = await read(`/accounts/${id}/statement`);
    expect(statement).toMatchObject({ opening_balance: '0', closing_balance: '40', next_cursor: null });
    expect((statement['lines'] as Resource[]).map(({ balance }) => balance)).toEqual(['70', '40']);
    const history = await read(`/accounts/${id}/transfers`);
    expect((history['data'] as Resource[]).map(({ amount }) => amount)).toEqual(['30', '70']);
    const { totals } = (await read('/trial_balance')) as unknown as { totals: Record<string, string>[] };
    for (const total of totals) expect(total['posted_debits']).toBe(total['posted_credits']);
  });

  it('post a group whole, or nothing of it', async () => {
    const legs = Array.from({ length: 1_000 }, (_, at) => leg({ amount: String(at + 1) }));
    const group = await made('/transfers', { legs, effective_at: '2026-01-02T03:04:05Z' });
    const transfers = group['transfers'] as Resource[];
    expect(transfers.map(({ amount }) => amount)).toEqual(legs.map(({ amount }) => amount));
    expect(await read(`/transfer_groups/${group.id}`)).toEqual(group);
    const refused = await send('/transfers', { legs: [leg(), leg({ debit_account: merchant.pauper })] });
    expect(told(refused)).toBe('402 insufficient_funds');
    const failed = jsonOf<{ transfer_group: Resource }>(refused).transfer_group;
    expect(failed).toMatchObject({ status: 'failed', failure: { code: 'insufficient_funds', leg: 1 } });
  });

  it('move a transfer back, and no more than it moved', async () => {
    const original = await made('/transfers', leg());
    const tag = async () => {
      const reply = await merchant.api.call(`/api/v1/transfers/${original.id}`);
      return { headers: { 'if-match': reply.headers.etag ?? '' } };
    };
    const seen = await tag();
    const part = jsonOf<Resource>(await send(`/transfers/${original.id}/reverse`, { amount: '30' }, seen));
    expect(part).toMatchObject({ reverses: original.id, debit_account: bob, credit_account: alice, amount: '30' });
    const beyond = await send(`/transfers/${original.id}/reverse`, { amount: '71' });
    expect(told(beyond)).toBe('409 reversal_exceeds_original');
    const stale = { body: '{}', idempotencyKey: newId('event'), ...seen };
    const refused = await merchant.api.call(`/api/v1/transfers/${original.id}/reverse`, stale);
    expect(told(refused as Reply)).toBe('412 version_differs');
    const rest = await send(`/transfers/${original.id}/reverse`, {}, await tag());
    expect(jsonOf<Resource>(rest)['amount']).toBe('70');
    expect((await read(`/transfers/${original.id}`))['reversed']).toBe('100');
    const { id } = jsonOf<Resource>(rest);
    expect(told(await send(`/transfers/${id}/reverse`, {}))).toBe('409 transfer_is_reversal');
  });

  it('correct a transfer, once, at the time for which it was booked', async () => {
    const { id } = await made('/accounts', { asset: 'USD' });
    const then = '2026-01-15T00:00:00.000Z';
    const original = await made('/transfers', leg({ credit_account: id, effective_at: then }));
    const corrected = await made(`/transfers/${original.id}/correct`, { amount: '90' });
    expect(corrected).toMatchObject({ corrects: original.id, amount: '90', effective_at: then });
    expect(await read(`/transfers/${original.id}`)).toEqual({
      ...original,
      reversed: '100',
      corrected_by: corrected.id,
    });
    const again = await send(`/transfers/${original.id}/correct`, { amount: '80' });
    expect(told(again)).toBe('409 transfer_corrected');
    const balance = (query: string) => read(`/accounts/${id}/balance?${query}`);
    expect(await balance(`basis=effective&as_of=${then}`)).toMatchObject({ balance: '90' });
    expect(await balance(`as_of=${encodeURIComponent(original['recorded_at'] as string)}`)).toMatchObject({
      balance: '100',
    });
  });

  it('keep every metadata that a transfer and an account had', async () => {
    const transfer = await made('/transfers', leg({ metadata: { order: '7' } }));
    const path = `/transfers/${transfer.id}`;
    const patch = (metadata: object) => send(path, { metadata }, { method: 'PATCH' });
    expect(jsonOf(await patch({ order: '8' }))).toEqual({ ...transfer, metadata: { order: '8' } });
    const versions = async (of: string) => (await read(`${of}/metadata_versions`))['data'] as Resource[];
    const told = (await versions(path)).map(({ version, metadata }) => [version, metadata]);
    expect(told).toEqual([
      [2, { order: '8' }],
      [1, { order: '7' }],
    ]);
    for (const { actor } of await versions(path)) expect(actor).toMatch(/^key_/);
    const { id } = await made('/accounts', { asset: 'USD', metadata: { a: '1' } });
    await send(`/accounts/${id}`, { metadata: { a: '2' } }, { method: 'PATCH' });
    expect((await versions(`/accounts/${id}`)).map(({ metadata }) => metadata)).toEqual([{ a: '2' }, { a: '1' }]);
  });

  it("show a payment's own transfer, and leave its money to the payment", async () => {
    const payment = await made('/payments', { source: alice, destination: bob, amount: '7', asset: 'USD' });
    const transfer = await read(`/transfers/${payment.id.replace('pay_', 'tr_')}`);
    expect(transfer).toMatchObject({ payment: payment.id, status: 'posted', amount: '7', reversed: '0', metadata: {} });
    expect(Object.keys(transfer)).toEqual(Object.keys(await made('/transfers', leg())));
    const refused = await merchant.api.call(`/api/v1/transfers/${transfer.id}/reverse`, {
      body: '{}',
      idempotencyKey: newId('event'),
    });
    expect(told(refused as Reply)).toBe('409 transfer_of_payment');
  });

  it('hold money, book a part of it, and give the rest back', async () => {
    const before = await read(`/accounts/${alice}`);
    const hold = await made('/holds', leg({ expires_at: '2999-01-01T00:00:00Z' }));
    expect(hold).toMatchObject({ status: 'pending', version: 1 });
    const posted = await send(`/holds/${hold.id}/post`, { amount: '30', final: false });
    expect(jsonOf(posted)).toMatchObject({ status: 'pending', posted: '30', version: 2 });
    const transfer = await read(`/transfers/${jsonOf<{ transfer: string }>(posted).transfer}`);
    expect(transfer).toMatchObject({ status: 'posted', amount: '30', hold: hold.id });
    expect(told(await send(`/holds/${hold.id}/post`, { amount: '71' }))).toBe('409 hold_exceeded');
    const seen = { headers: { 'if-match': 'W/"1"' } };
    expect(told(await send(`/holds/${hold.id}/post`, { amount: '1' }, seen))).toBe('412 version_differs');
    expect(told(await send(`/holds/${hold.id}/void`, {}, seen))).toBe('412 version_differs');
    const voided = await send(`/holds/${hold.id}/void`, {}, { headers: { 'if-match': 'W/"2"' } });
    expect(jsonOf(voided)).toMatchObject({ status: 'voided', posted: '30', version: 3 });
    expect(await read(`/holds/${hold.id}`)).toEqual(jsonOf(voided));
    expect(told(await send(`/holds/${hold.id}/void`, {}))).toBe('409 hold_not_pending');
    expect(told(await send(`/holds/${hold.id}/post`, {}))).toBe('409 hold_not_pending');
    const after = await read(`/accounts/${alice}`);
    expect(BigInt(before['available'] as string) - BigInt(after['available'] as string)).toBe(30n);
  });

  it('keep accounts of their kind and state', async () => {
    const { id } = await made('/accounts', { asset: 'USD', kind: 'asset' });
    await made('/transfers', leg({ debit_account: id, credit_account: bob, amount: '50' }));
    expect(await read(`/accounts/${id}`)).toMatchObject({ kind: 'asset', balance: '50', available: '50' });
    const patch = (body: object, headers = {}) => send(`/accounts/${id}`, body, { method: 'PATCH', headers });
    expect(told(await patch({ state: 'closed' }))).toBe('409 account_not_empty');
    const frozen = await patch({ state: 'frozen', metadata: { why: 'audit' } }, { 'if-match': 'W/"2"' });
    expect(jsonOf(frozen)).toMatchObject({ status: 'frozen', metadata: { why: 'audit' }, version: 3 });
    expect(told(await patch({ state: 'open' }, { 'if-match': 'W/"2"' }))).toBe('412 version_differs');
    expect(told(await send('/transfers', leg({ credit_account: id, amount: '50' })))).toBe('409 account_frozen');
    const limited = await patch({ state: 'open', overdraft: 'limited', overdraft_limit: '10' });
    expect(jsonOf(limited)).toMatchObject({ status: 'open', overdraft: 'limited', overdraft_limit: '10' });
    await made('/transfers', leg({ debit_account: bob, credit_account: id, amount: '60' }));
    expect(told(await patch({ overdraft: 'none' }))).toBe('409 overdraft_in_use');
    expect(told(await send('/transfers', leg({ debit_account: bob, credit_account: id, amount: '1' })))).toBe(
      '402 insufficient_funds',
    );
  });

  it('keep to the rule of a type, and come to what its template says', async () => {
    const [shop, fees] = [
      await made('/accounts', { asset: 'USD', path: 'shops:7' }),
      await made('/accounts', { asset: 'USD', kind: 'income' }),
    ];
    const part = { debit_account: '$payer', asset: 'USD', of: '$total' };
    const capture = {
      id: 'card_capture',
      credit: [{ path: 'shops:*' }, { kind: 'income' }],
      template: {
        variables: { payer: 'account', shop: 'account', total: 'amount' },
        legs: [
          { ...part, credit_account: fees.id, portion: '29/1000' },
          { ...part, credit_account: '$shop', remaining: true },
        ],
      },
    };
    expect(await made('/transaction_types', capture)).toMatchObject({ id: 'card_capture', version: 1 });
    const variables = { payer: alice, shop: shop.id, total: '1999' };
    const group = await made('/transfers', { type: 'card_capture', variables });
    const legs = (group['transfers'] as Resource[]).map(({ amount, type }) => `${String(type)} ${String(amount)}`);
    expect(legs).toEqual(['card_capture 58', 'card_capture 1941']);
    expect(await read(`/transfer_groups/${group.id}`)).toEqual(group);
    const stranger = { type: 'card_capture', variables: { ...variables, shop: bob } };
    const refused = await send('/transfers', stranger);
    expect([told(refused), jsonOf<{ transfer_group: object }>(refused).transfer_group]).toMatchObject([
      '422 posting_rule_broken',
      { status: 'failed', failure: { code: 'posting_rule_broken', leg: 1 } },
    ]);
    expect(told(await send('/transfers', leg({ type: 'card_capture' })))).toBe('422 posting_rule_broken');
    expect(told(await send('/transfers', leg({ type: 'never_defined' })))).toBe('422 transaction_type_not_found');
    await made('/transfers', leg({ type: 'card_capture', credit_account: shop.id }));
    const typed = await read('/transfers?type=card_capture&status=posted');
    expect((typed['data'] as Resource[]).length).toBe(3);
    expect(await house.databases.value('ledger', `select count(*) from typed_transfers`)).toBe('3');
  });

  it('close a month, and book what comes for it later in the open one', async () => {
    const now = new Date();
    const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1)).toISOString().slice(0, 7);
    const effective_at = `${month}-28T12:00:00Z`;
    await made('/transfers', leg({ effective_at }));
    expect(told(await send(`/periods/${now.toISOString().slice(0, 7)}/close`, {}))).toBe('409 period_not_over');
    const closing = await send(`/periods/${month}/close`, {});
    expect(jsonOf(closing)).toMatchObject({ id: month, status: 'closing' });
    expect(told(await send('/transfers', leg({ effective_at })))).toBe('409 period_closed');
    await made('/transfers', leg());
    await until('the month has its figures', async () => (await read(`/periods/${month}`))['status'] === 'closed');
    const { totals, ends_at } = await read(`/periods/${month}`);
    const last = new Date(Date.parse(ends_at as string) - 1).toISOString();
    const { data } = await read(`/trial_balance?as_of=${last}&basis=effective`);
    const figures = (data as Record<string, unknown>[]).map(({ asset, kind, posted_debits, posted_credits }) => ({
      asset,
      kind,
      posted_debits,
      posted_credits,
    }));
    expect(figures).toEqual(expect.arrayContaining(totals as object[]));
    expect(await read('/periods')).toMatchObject({ data: [{ id: month, status: 'closed' }], next_cursor: null });
  });

  it(
    'prove a transfer to whoever has its proof alone, and publish what they prove it with',
    { timeout: 180_000 },
    async () => {
      const { id } = await made('/transfers', leg({ amount: '1999' }));
      const proof = await until(
        'it is sealed, each minute',
        async () => {
          const answer = await merchant.api.call(`/api/v1/transfers/${id}/proof`);
          return answer.kind === 'answer' && answer.status === 200 ? answer : undefined;
        },
        SEALED_WITHIN_MS,
      );
      const proven = async (text: string) => {
        const file = join(house.dir, 'proof.json');
        writeFileSync(file, text);
        // No server is named to it.
        return house.installation.payflowWith({ POSTGRES_URL: '', KAFKA_BROKERS: '' }, 'verify', '--proof', file);
      };
      const text = JSON.stringify(jsonOf(proof));
      expect(await proven(text)).toContain(`proven: ${id}: 1999 USD, minor units, from ${alice} to ${bob}`);
      const forged = text.replace('|1999|USD|', '|9999|USD|');
      expect(forged).not.toBe(text);
      await expect(proven(forged)).rejects.toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/^NOT PROVEN: /) as string,
      });
      const { head } = jsonOf<{ head: { seal: number; log_root: string; key_id: string } }>(proof);
      const published = await until('its head is kept outside of the books', async () => {
        const told = `data::json ->> 'log_root' || ' ' || (data::json ->> 'key_id')`;
        const of = `type = 'payflow.ledger.sealed.v1' and aggregate_version = ${head.seal}`;
        return house.databases.value<string | undefined>('archiver', `select ${told} from archived_events where ${of}`);
      });
      expect(published).toBe(`${head.log_root} ${head.key_id}`);
    },
  );

  it('show the same balances at the gateway as in the ledger', async () => {
    const columns = `id || ' ' || version || ' ' || kind || ' ' || overdraft || ' ' || overdraft_limit_minor`;
    const counters = ['posted_debits', 'posted_credits', 'pending_debits', 'pending_credits'];
    const sums = (suffix: string) => counters.map((name) => `${name}${suffix}`).join(` || '/' || `);
    const all = (service: 'gateway' | 'ledger', table: string, state: string, suffix: string) =>
      house.databases.value(
        service,
        `select string_agg(${columns} || ' ' || ${state} || ' ' || ${sums(suffix)}, e'\\n' order by id) from ${table}`,
      );
    const ledger = await all('ledger', 'accounts', 'state', '');
    expect(await all('gateway', 'account_views', 'status', '_minor')).toBe(ledger);
  });
});
