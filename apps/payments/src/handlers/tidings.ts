import {
  OPERATION_KINDS,
  fromUuid,
  uuidOf,
  type AccountSnapshot,
  type MessageData,
  type MessageType,
  type OperationEnded,
  type OperationKind,
} from '@payflow/contracts';
import type { AnyOutgoing, MessageContext } from '@payflow/messaging';
import { ENDED_VERSION } from '../database/life-changes.repository.js';
import type { News, Step } from '../domain/life.js';
import { groupOfPayment } from '../domain/division.js';
import { snapshotOf, transferOf, type Payment } from '../domain/payment.js';

/** The message that a piece of news is told with; undefined where nobody outside this service has to hear of it. */
export function messageOf(news: News, cause: MessageContext): AnyOutgoing | undefined {
  switch (news.kind) {
    case 'payment':
      return paymentEvent(news.payment, cause, news.accounts, news.from);
    case 'operation':
      return operationEvent(news, cause);
    case 'step':
      return { ...ledgerCommand(news.step), cause, ...(news.again && { resent: true }) } as AnyOutgoing;
    case 'transfer':
      return { ...directTransfer(news.payment, cause), resent: true };
    case 'attempt':
    case 'inquiry':
    case 'attention':
    case 'taken':
    case 'undivided':
      return undefined;
    default:
      return news satisfies never;
  }
}

/** The event that tells of a payment's state: named by it, or `updated` where it is what it was, or is under way again. */
export function paymentEvent(
  payment: Payment,
  cause: MessageContext,
  accounts: readonly AccountSnapshot[],
  from: Payment['status'] = 'processing',
): AnyOutgoing {
  const name = payment.status === from || payment.status === 'processing' ? 'updated' : payment.status;
  return {
    type: `payflow.payment.${name}.v1`,
    subject: payment.id,
    aggregateVersion: payment.version,
    data: snapshotOf(payment, accounts),
    cause,
  };
}

/** One payment, one transfer, or one group where it is divided: it carries the payment's UUID, so the ledger cannot book it twice. */
export function directTransfer(payment: Payment, cause: MessageContext): AnyOutgoing {
  const { division } = payment;
  if (division) {
    const data = groupOfPayment({ ...payment, division });
    return { type: 'payflow.group.post.v1', id: payment.ledgerCommandId as string, subject: data.id, data, cause };
  }
  const transferId = fromUuid('transfer', uuidOf('payment', payment.id));
  return {
    type: 'payflow.transfer.post.v1',
    id: payment.ledgerCommandId as string,
    subject: transferId,
    data: transferOf(payment, transferId),
    cause,
  };
}

/** The client hears how an operation ended, with the payment as it left it. */
function operationEvent(
  { operation, payment, accounts, at }: Extract<News, { kind: 'operation' }>,
  cause: MessageContext,
): AnyOutgoing | undefined {
  if (!Object.hasOwn(OPERATION_KINDS, operation.kind)) return undefined;
  const kind = operation.kind as OperationKind;
  const id = fromUuid(OPERATION_KINDS[kind], operation.id);
  const data: OperationEnded = {
    id,
    kind,
    status: operation.status as OperationEnded['status'],
    amount: operation.amount?.toString() ?? null,
    failure: operation.failureCode === null ? null : { code: operation.failureCode },
    reason: operation.reason,
    metadata: operation.metadata,
    command: operation.commandId,
    payment: snapshotOf(payment, accounts),
    version: ENDED_VERSION,
    created_at: operation.createdAt,
    updated_at: at,
  };
  return {
    type: `payflow.${kind}.${data.status}.v1`,
    subject: id,
    aggregateVersion: ENDED_VERSION,
    data,
    cause,
  };
}

function ledgerCommand({ type, commandId, command }: Step) {
  const data = JSON.parse(command) as MessageData[MessageType] & { readonly id: string };
  return { type, id: commandId, subject: data.id, data, json: command };
}
