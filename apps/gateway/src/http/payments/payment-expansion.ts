import { fromUuid, OPERATION_KINDS, uuidOf, type OperationKind } from '@payflow/contracts';
import { Inject, Injectable } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { DATABASE, Problem, REPORTS } from '@payflow/service';
import { findDisputedMoney, type DisputedMoney } from '../../database/dispute-view.repository.js';
import { findOperationsOf } from '../../database/operation-view.repository.js';
import { findTransfersOf } from '../../database/payment-transfer.repository.js';
import { operationResource, type OperationView } from '../../domain/operation.js';
import { paymentResource, type PaymentView } from '../../domain/payment.js';
import { transferResource, type TransferView } from '../../domain/transfer.js';
import type { Caller } from '../edge/caller.js';
import { LEDGER } from '../ledger/ledger-reads.controller.js';
import type { InTurn } from '../lists/list-page.js';
import type { OwnerClient } from '../owner/owner-client.js';
import { transferOfPayment, type LedgerTransfer } from './payment-transfer.js';

/** What can be shown within a payment, besides what it is. */
export const PAYMENT_EXPANSIONS = ['refunds', 'captures', 'transfers'] as const;
export type PaymentExpansion = (typeof PAYMENT_EXPANSIONS)[number];

/** The ledger is asked for so many at once. */
const TRANSFERS_PER_QUESTION = 1_000;
const QUESTION = '/api/v1/transfers/found';

/** Who asks. */
interface Asking {
  readonly caller: Caller;
  readonly requestId: string;
}

/** What the views have of some payments. */
interface Belongings {
  readonly payments: readonly PaymentView[];
  /** By their payments' ids. */
  readonly operations: ReadonlyMap<string, readonly OperationView[]>;
  readonly steps: readonly TransferView[];
  readonly disputed: readonly DisputedMoney[];
}

/** Payments with what belongs to them, read for all of a page together. */
@Injectable()
export class PaymentExpansions {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    @Inject(REPORTS) private readonly lists: Database,
    @Inject(LEDGER) private readonly ledger: OwnerClient,
  ) {}

  /** A payment of the caller's, with what is named. Throws 403 where the caller may not read it. */
  async one(payment: PaymentView, names: readonly PaymentExpansion[], asking: Asking): Promise<object> {
    refuseUnread(names, asking.caller);
    const [shown] = await this.#shown(await belongings(this.db, [payment], names), names, asking);
    return shown as object;
  }

  /**
   * As many of the caller's payments, in their order, as make one answer with what is named; one at least, where there is any. The
   * ledger is asked when the turn is over.
   */
  async page(
    payments: readonly PaymentView[],
    names: readonly PaymentExpansion[],
    asking: Asking,
    inTurn: InTurn,
  ): Promise<readonly object[]> {
    if (payments.length === 0) return [];
    refuseUnread(names, asking.caller);
    return this.#shown(await inTurn(() => belongings(this.lists, payments, names)), names, asking);
  }

  async #shown(
    belonging: Belongings,
    names: readonly PaymentExpansion[],
    { caller, requestId }: Asking,
  ): Promise<readonly object[]> {
    const { payments, operations } = belonging;
    const withTransfers = names.includes('transfers');
    const transfers = withTransfers ? await this.#transfers(belonging, caller, requestId) : new Map();
    const shown = (id: string, kind: OperationKind): object[] =>
      (operations.get(id) ?? []).filter((one) => one.kind === kind).map(operationResource);
    return payments.map((payment) => ({
      ...paymentResource(payment),
      ...(names.includes('refunds') ? { refunds: shown(payment.id, 'refund') } : {}),
      ...(names.includes('captures') ? { captures: shown(payment.id, 'capture') } : {}),
      ...(withTransfers ? { transfers: (transfers.get(payment.id) ?? []).map(transferResource) } : {}),
    }));
  }

  async #transfers(
    { payments, operations, steps, disputed }: Belongings,
    caller: Caller,
    requestId: string,
  ): Promise<Map<string, TransferView[]>> {
    const known = new Set(steps.map(({ id }) => id));
    // Payments and refunds that are booked by one transfer, which has their UUID, and what disputes moved.
    const owners = new Map<string, PaymentView>();
    for (const payment of payments.filter(isInternal)) {
      if (payment.amountCaptured !== '0') owners.set(transferOf('payment', payment.id), payment);
      for (const { kind, id, status } of operations.get(payment.id) ?? [])
        if (kind === 'refund' && status === 'succeeded') owners.set(transferOf(OPERATION_KINDS[kind], id), payment);
    }
    for (const { payment, transfers } of disputed) {
      const of = payments.find(({ id }) => id === payment);
      if (of) for (const id of transfers) owners.set(id, of);
    }
    const asked = [...owners.keys()].filter((id) => !known.has(id));
    const direct = (await this.#booked(asked, caller, requestId)).flatMap((told): TransferView[] => {
      const payment = owners.get(told.id);
      return payment ? [transferOfPayment(payment, told)] : [];
    });
    const all = [...steps, ...direct].sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
    return Map.groupBy(all, ({ payment }) => payment ?? '');
  }

  /** Those of the transfers that were booked, as the ledger tells of them: one question for a page of payments, nearly always. */
  async #booked(ids: readonly string[], caller: Caller, requestId: string): Promise<LedgerTransfer[]> {
    const told: LedgerTransfer[] = [];
    for (let at = 0; at < ids.length; at += TRANSFERS_PER_QUESTION) {
      const question = { ids: ids.slice(at, at + TRANSFERS_PER_QUESTION) };
      const answer = (await this.ledger.ask(QUESTION, question, caller, requestId)) as { data: LedgerTransfer[] };
      told.push(...answer.data);
    }
    return told;
  }
}

function refuseUnread(names: readonly PaymentExpansion[], { scopes }: Caller): void {
  if (names.includes('transfers') && !scopes.includes('transfers:read'))
    throw new Problem('forbidden', { detail: 'Needs the scope transfers:read.' });
}

/** What belongs to the first of these payments, at least one, as far as it fits an answer. All are one owner's. */
async function belongings(
  db: Database,
  payments: readonly PaymentView[],
  names: readonly PaymentExpansion[],
): Promise<Belongings> {
  const [any] = payments as readonly [PaymentView];
  const found = await findOperationsOf(db, any, payments.map(idOf), kindsOf(names));
  const operations = Map.groupBy(found.views, ({ payment }) => payment);
  const first = payments.slice(0, found.whole);
  if (!names.includes('transfers')) return { payments: first, operations, steps: [], disputed: [] };
  const steps = await findTransfersOf(db, any, first.map(idOf));
  const whole = first.slice(0, steps.whole);
  return { payments: whole, operations, steps: steps.views, disputed: await disputedOf(db, whole) };
}

/** Transfers need the refunds as well: one that was made from account to account has its refund's UUID. */
function kindsOf(names: readonly PaymentExpansion[]): OperationKind[] {
  const refunds = names.includes('refunds') || names.includes('transfers');
  return [...(refunds ? ['refund' as const] : []), ...(names.includes('captures') ? ['capture' as const] : [])];
}

/** What disputes moved of the payments, out and back: nobody disputes what went from account to account. */
function disputedOf(db: Database, payments: readonly PaymentView[]): Promise<DisputedMoney[]> {
  const outside = payments.filter((payment) => !isInternal(payment));
  const [any] = outside;
  return any ? findDisputedMoney(db, any, outside.map(idOf)) : Promise.resolve([]);
}

const idOf = ({ id }: PaymentView): string => id;
const isInternal = ({ method }: PaymentView): boolean => method.type === 'internal';

function transferOf(kind: 'payment' | 'refund', id: string): string {
  return fromUuid('transfer', uuidOf(kind, id));
}
