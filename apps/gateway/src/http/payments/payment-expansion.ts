import { fromUuid, OPERATION_KINDS, uuidOf, type OperationKind } from '@payflow/contracts';
import { Inject, Injectable } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { DATABASE, Problem } from '@payflow/service';
import { findDisputedMoney, type DisputedMoney } from '../../database/dispute-view.repository.js';
import { findOperationsOf } from '../../database/operation-view.repository.js';
import { findTransfersOf } from '../../database/payment-transfer.repository.js';
import { operationResource, type OperationView } from '../../domain/operation.js';
import { paymentResource, type PaymentView } from '../../domain/payment.js';
import { transferResource, type TransferView } from '../../domain/transfer.js';
import type { Caller } from '../edge/caller.js';
import { LEDGER } from '../ledger/ledger-reads.controller.js';
import type { OwnerClient } from '../owner/owner-client.js';
import { transferOfPayment, type LedgerTransfer } from './payment-transfer.js';

/** What can be shown within a payment, besides what it is. */
export const PAYMENT_EXPANSIONS = ['refunds', 'captures', 'transfers'] as const;
export type PaymentExpansion = (typeof PAYMENT_EXPANSIONS)[number];

/** The ledger is asked for so many at once. */
const TRANSFERS_PER_QUESTION = 1_000;
const QUESTION = '/api/v1/transfers/found';

/** Payments with what belongs to them, read for all of a page together. */
@Injectable()
export class PaymentExpansions {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    @Inject(LEDGER) private readonly ledger: OwnerClient,
  ) {}

  /** The payments, in their order, with what is named. All are the caller's. Throws 403 where the caller may not read it. */
  async expand(
    payments: readonly PaymentView[],
    names: readonly PaymentExpansion[],
    caller: Caller,
    requestId: string,
  ): Promise<object[]> {
    if (payments.length === 0) return [];
    const withTransfers = names.includes('transfers');
    if (withTransfers && !caller.scopes.includes('transfers:read'))
      throw new Problem('forbidden', { detail: 'Needs the scope transfers:read.' });
    const operations = await this.#operations(payments, names);
    const transfers = withTransfers ? await this.#transfers(payments, operations, caller, requestId) : new Map();
    const shown = (id: string, kind: OperationKind): object[] =>
      (operations.get(id) ?? []).filter((one) => one.kind === kind).map(operationResource);
    return payments.map((payment) => ({
      ...paymentResource(payment),
      ...(names.includes('refunds') ? { refunds: shown(payment.id, 'refund') } : {}),
      ...(names.includes('captures') ? { captures: shown(payment.id, 'capture') } : {}),
      ...(withTransfers ? { transfers: (transfers.get(payment.id) ?? []).map(transferResource) } : {}),
    }));
  }

  /** Transfers need the refunds as well: one that was made from account to account has its refund's UUID. */
  #operations(
    payments: readonly PaymentView[],
    names: readonly PaymentExpansion[],
  ): Promise<ReadonlyMap<string, readonly OperationView[]>> {
    const kinds = new Set<OperationKind>();
    if (names.includes('refunds') || names.includes('transfers')) kinds.add('refund');
    if (names.includes('captures')) kinds.add('capture');
    const [any] = payments as readonly [PaymentView];
    return findOperationsOf(this.db, any, payments.map(idOf), [...kinds]);
  }

  async #transfers(
    payments: readonly PaymentView[],
    operations: ReadonlyMap<string, readonly OperationView[]>,
    caller: Caller,
    requestId: string,
  ): Promise<Map<string, TransferView[]>> {
    const [any] = payments as readonly [PaymentView];
    const bySteps = await findTransfersOf(this.db, any, payments.map(idOf));
    const known = new Set(bySteps.map(({ id }) => id));
    // Payments and refunds that are booked by one transfer, which has their UUID, and what disputes moved.
    const owners = new Map<string, PaymentView>();
    for (const payment of payments.filter(isInternal)) {
      if (payment.amountCaptured !== '0') owners.set(transferOf('payment', payment.id), payment);
      for (const { kind, id, status } of operations.get(payment.id) ?? [])
        if (kind === 'refund' && status === 'succeeded') owners.set(transferOf(OPERATION_KINDS[kind], id), payment);
    }
    for (const { payment, transfers } of await this.#disputed(payments)) {
      const disputed = payments.find(({ id }) => id === payment);
      if (disputed) for (const id of transfers) owners.set(id, disputed);
    }
    const asked = [...owners.keys()].filter((id) => !known.has(id));
    const direct = (await this.#booked(asked, caller, requestId)).flatMap((told): TransferView[] => {
      const payment = owners.get(told.id);
      return payment ? [transferOfPayment(payment, told)] : [];
    });
    const all = [...bySteps, ...direct].sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
    return Map.groupBy(all, ({ payment }) => payment ?? '');
  }

  /** What disputes moved of the payments, out and back: nobody disputes what went from account to account. */
  #disputed(payments: readonly PaymentView[]): Promise<DisputedMoney[]> {
    const outside = payments.filter((payment) => !isInternal(payment));
    const [any] = outside;
    return any ? findDisputedMoney(this.db, any, outside.map(idOf)) : Promise.resolve([]);
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

const idOf = ({ id }: PaymentView): string => id;
const isInternal = ({ method }: PaymentView): boolean => method.type === 'internal';

function transferOf(kind: 'payment' | 'refund', id: string): string {
  return fromUuid('transfer', uuidOf(kind, id));
}
