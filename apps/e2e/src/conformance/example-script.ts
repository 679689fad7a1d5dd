import { newId } from '@payflow/contracts';
import type { ExamplePlayer } from './example-player.js';

/** Ids that the requests share. */
interface Cast {
  /** Where money comes from: may be debited without limit. */
  readonly world: string;
  /** What the acquirer owes. */
  readonly clearing: string;
  readonly wallet: string;
  readonly shop: string;
}

const SECOND = { limit: '2' };
const idOf = (made: Readonly<Record<string, unknown>>): string => made['id'] as string;

/** Plays one request to every operation that can be brought about, in an order in which each finds what it needs. */
export async function playScript(player: ExamplePlayer): Promise<void> {
  const cast = await openAccounts(player);
  await payByBalance(player, cast);
  await payByCard(player, cast);
  await transferMoney(player, cast);
  await holdMoney(player, cast);
  await convert(player, cast);
  await keepBooks(player, cast);
  await watchPayments(player, cast);
  await lookAround(player, cast);
}

async function openAccounts(player: ExamplePlayer): Promise<Cast> {
  const wallet = newId('account');
  const opened = { asset: 'USD', path: `users:${wallet.slice(-8)}:wallet`, metadata: { customer: 'c-1042' } };
  await player.play('openAccount', { body: { id: wallet, ...opened } });
  const open = async (body: object) => idOf(await player.play('openAccount', { body: { asset: 'USD', ...body } }));
  const world = await open({ overdraft: 'unbounded' });
  const clearing = await open({ kind: 'asset', overdraft: 'unbounded' });
  const shop = await open({ path: `merchants:${wallet.slice(-8)}` });
  await player.play('getAccount', { path: { id: wallet } });
  await player.play('updateAccount', {
    path: { id: wallet },
    body: { metadata: { customer: 'c-1042', tier: 'gold' } },
  });
  return { world, clearing, wallet, shop };
}

async function payByBalance(player: ExamplePlayer, { world, wallet, shop }: Cast): Promise<void> {
  const payment = { source: world, destination: wallet, amount: '500000', asset: 'USD' };
  const { id } = await player.play('createPayment', { body: { ...payment, reference: 'order-1042' } });
  await player.hurry('createPayment', { body: { ...payment, reference: 'order-1042' } });
  await player.play('getPayment', { path: { id: id as string } });
  await player.play('listPayments', { query: { status: 'succeeded', ...SECOND } });
  const small = { source: wallet, destination: shop, amount: '1999', asset: 'USD' };
  await player.play('createPaymentBulk', { body: { payments: [small, { ...small, amount: '250' }] } });
  const held = idOf(await player.play('createPayment', { body: { ...small, capture: 'manual' } }));
  await player.play('cancelPaymentBulk', { body: { cancellations: [{ payment: held, reason: 'out of stock' }] } });
  const paid = idOf(await player.play('createPayment', { body: small }));
  await player.play('refundPaymentBulk', { body: { refunds: [{ payment: paid, amount: '500' }] } });
}

async function payByCard(player: ExamplePlayer, { clearing, shop }: Cast): Promise<void> {
  const card = {
    ...{ source: clearing, destination: shop, amount: '50000', asset: 'USD', capture: 'manual' },
    method: { type: 'card', token: 'tok_visa' },
  };
  const pay = async (more: object = {}) => idOf(await player.play('createPayment', { body: { ...card, ...more } }));
  await player.play('confirmPayment', { path: { id: await pay({ confirm: false, capture: 'automatic' }) }, body: {} });
  const id = await pay({ confirm: false });
  const path = { id };
  await player.play('authorizePayment', { path, body: {} });
  await player.play('incrementPayment', { path, body: { amount: '10000' } });
  await player.play('capturePayment', { path, body: { amount: '45000', final: true } });
  const refund = idOf(await player.play('refundPayment', { path, body: { amount: '5000', reason: 'damaged' } }));
  await player.play('cancelPayment', { path: { id: await pay() }, body: { reason: 'out of stock' } });
  await player.play('listPaymentRefunds', { path, query: SECOND });
  const captures = await player.play('listPaymentCaptures', { path, query: SECOND });
  const [capture] = captures['data'] as { readonly id: string }[];
  await player.play('getRefund', { path: { id: refund } });
  await player.play('listRefunds', { query: { payment: id, ...SECOND } });
  await player.play('getCapture', { path: { id: capture?.id ?? '' } });
  await player.play('listCaptures', { query: { payment: id, ...SECOND } });
  await player.play('listPaymentAttempts', { path, query: SECOND });
  await player.play('listAttempts', { query: { needs_attention: 'true', ...SECOND } });
  await retry(player, { ...card, method: { type: 'card', token: 'tok_decline_do_not_honor' } });
  await player.play('listPaymentDisputes', { path, query: SECOND });
  await player.play('listDisputes', { query: { status: 'needs_response', ...SECOND } });
}

/** A payment that is declined has an answer of its own, and is there all the same. */
async function retry(player: ExamplePlayer, declined: object): Promise<void> {
  const path = { id: newId('payment') };
  await player.try('createPayment', { body: { id: path.id, ...declined } });
  await player.play('getPayment', { path }, ({ status }) => status === 'failed');
  await player.play('retryPayment', { path, body: { method: { type: 'card', token: 'tok_visa' } } });
}

async function transferMoney(player: ExamplePlayer, { wallet, shop }: Cast): Promise<void> {
  const movement = { debit_account: wallet, credit_account: shop, amount: '1000', asset: 'USD' };
  const transfer = async () =>
    idOf(await player.play('createTransfer', { body: { ...movement, metadata: { invoice: '2026-118' } } }));
  const id = await transfer();
  const path = { id };
  await player.play('getTransfer', { path });
  await player.play('listTransfers', { query: { account: wallet, ...SECOND } });
  await player.play('updateTransfer', { path, body: { metadata: { invoice: '2026-119' } } });
  await player.play('listTransferMetadata', { path, query: SECOND });
  await player.play('listAccountMetadata', { path: { id: wallet }, query: SECOND });
  await player.play('reverseTransfer', { path, body: { amount: '400' } });
  await player.play('correctTransfer', { path: { id: await transfer() }, body: { amount: '900' } });
  const dry_run = true;
  await player.play('createTransfer', { body: { ...movement, dry_run } });
  await player.play('reverseTransfer', { path, body: { amount: '100', dry_run } });
  await player.play('correctTransfer', { path, body: { amount: '900', dry_run } });
  const group = await player.play('createTransfer', { body: { legs: [movement, { ...movement, amount: '20' }] } });
  await player.play('getTransferGroup', { path: { id: idOf(group) } });
  const bulk = await player.play('createTransferBulk', { body: { mode: 'independent', transfers: [movement] } });
  await player.play('getTransferBulk', { path: { id: idOf(bulk) } });
  await player.play('listTransferBulkResults', { path: { id: idOf(bulk) }, query: SECOND });
}

async function holdMoney(player: ExamplePlayer, { wallet, shop }: Cast): Promise<void> {
  const body = { debit_account: wallet, credit_account: shop, amount: '3000', asset: 'USD' };
  const place = async () => idOf(await player.play('placeHold', { body }));
  const path = { id: await place() };
  await player.play('getHold', { path });
  await player.play('listHolds', { query: { account: wallet, ...SECOND } });
  await player.play('postHold', { path, body: { amount: '2500' } });
  await player.play('voidHold', { path: { id: await place() }, body: {} });
  const tried = { path: { id: await place() }, body: { dry_run: true } };
  await player.play('placeHold', { body: { ...body, dry_run: true } });
  await player.play('postHold', tried);
  await player.play('voidHold', tried);
}

async function convert(player: ExamplePlayer, { wallet, shop }: Cast): Promise<void> {
  const code = `PTS${Math.random().toString(36).slice(2, 8).toUpperCase()}`;
  await player.play('defineAsset', { body: { code, scale: 0, name: 'Loyalty points' } });
  await player.play('listAssets');
  await player.play('getAsset', { path: { id: code } });
  const open = async (body: object) => idOf(await player.play('openAccount', { body: { asset: code, ...body } }));
  const body = {
    ...{ source: wallet, source_liquidity: shop, source_asset: 'USD', source_amount: '1999' },
    ...{ destination_liquidity: await open({ overdraft: 'unbounded' }), destination: await open({}) },
    ...{ destination_asset: code, rate: { numerator: '3', denominator: '200' } },
  };
  const conversion = await player.play('createConversion', { body });
  await player.play('createConversion', { body: { ...body, dry_run: true } });
  await player.play('getConversion', { path: { id: idOf(conversion) } });
  await player.play('listConversions', { query: { account: wallet, ...SECOND } });
}

async function keepBooks(player: ExamplePlayer, { wallet }: Cast): Promise<void> {
  const path = { id: wallet };
  await player.play('getAccountBalance', { path });
  await player.play('getAccountStatement', { path, query: SECOND });
  await player.play('listAccountTransfers', { path, query: SECOND });
  await player.play('getAccountAggregate', { query: { path: 'users' } });
  await player.play('getTrialBalance');
  await player.play('closePeriod', { path: { month: '2026-01' }, body: {} });
  await player.play('listPeriods', { query: SECOND });
  await player.play('getPeriod', { path: { month: '2026-01' } });
  const patterns = { debit: [{ path: 'users:*:wallet' }], credit: [{ kind: 'liability' }] };
  await player.play('defineTransactionType', { body: { id: 'card_capture', ...patterns } });
  await player.play('listTransactionTypes', { query: SECOND });
  await player.play('getTransactionType', { path: { id: 'card_capture' } });
}

async function watchPayments(player: ExamplePlayer, { wallet, shop }: Cast): Promise<void> {
  const limit = await player.play('defineLimit', { body: { kind: 'per_day', asset: 'USD', amount: '100000000' } });
  await player.play('getLimit', { path: { id: idOf(limit) } });
  await player.play('listLimits', { query: { kind: 'per_day', ...SECOND } });
  await player.play('getLimitUse', { path: { id: idOf(limit) } });
  await player.play('deleteLimit', { path: { id: idOf(limit) } });
  const conditions = { asset: ['USD'], amount_gte: '70000' };
  const rule = await player.play('defineRiskRule', {
    body: { priority: 10, verdict: 'review', reason: 'large', conditions },
  });
  await player.play('getRiskRule', { path: { id: idOf(rule) } });
  await player.play('listRiskRules', { query: { verdict: 'review', ...SECOND } });
  const large = { source: wallet, destination: shop, amount: '70000', asset: 'USD' };
  for (const decision of ['approveReview', 'denyReview']) {
    await player.hurry('createPayment', { body: large });
    const path = { id: await openReview(player) };
    await player.play('getReview', { path });
    await player.play(decision, { path, body: { reason: 'Known customer, called back.' } });
  }
  await player.play('deleteRiskRule', { path: { id: idOf(rule) } });
}

/** Monitoring looks in rounds, and has figures of everything after its first. */
async function lookAround(player: ExamplePlayer, { wallet }: Cast): Promise<void> {
  await player.play('getMonitoringHealth');
  await player.play('getMonitoringSummary', {}, ({ throughput, lags, invariants }) => {
    const { minutes, rates } = throughput as { readonly minutes: readonly object[]; readonly rates: readonly object[] };
    return [minutes, rates, lags as readonly object[], invariants as readonly object[]].every(
      ({ length }) => length > 0,
    );
  });
  await player.play('getMonitoringDatabase');
  await player.play('listAccounts', { query: { asset: 'USD', ...SECOND } });
  await player.play('listTransactions', { query: { account: wallet, ...SECOND } });
  await player.play('search', { query: { q: wallet } });
  await player.play('listAuditLog', { query: { operation: 'denyReview', ...SECOND } }, hasAny);
  for (const id of ['listRequests', 'listApiKeys']) await player.play(id, { query: SECOND }, hasAny);
}

/** A list that shows something. */
export function hasAny({ data }: Readonly<Record<string, unknown>>): boolean {
  return (data as readonly unknown[]).length > 0;
}

/** A review is there some time after the payment that waits for it. */
async function openReview(player: ExamplePlayer): Promise<string> {
  const { data } = await player.play('listReviews', { query: { status: 'open', ...SECOND } }, hasAny);
  const [review] = data as readonly { readonly id: string }[];
  return review?.id ?? '';
}
