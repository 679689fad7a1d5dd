import type { OperationKind, ProblemCode } from '@payflow/contracts';
import { problemBody } from '@payflow/service';
import { operationResource, type OperationView } from '../domain/operation.js';
import { paymentResource, type PaymentView } from '../domain/payment.js';
import type { Reply } from './acceptable.js';
import { paymentRefusalCode } from './refusal-codes.js';
import { created, ok, PAYMENTS_PATH, problem } from './replies.js';
import { ownRefusalDetail, refusalDetail } from './refusal-detail.js';

const REFUNDS_PATH = '/api/v1/refunds';
const CAPTURES_PATH = '/api/v1/captures';

/** 201 with the payment, or 402 with the payment that was refused. */
export function paymentReply(view: PaymentView, requestId: string): Reply {
  const location = pathOf(view);
  const payment = paymentResource(view);
  if (view.status !== 'failed') return created(location, payment);
  const detail = detailOf(String(view.failureCode), view);
  const occurrence = { instance: PAYMENTS_PATH, requestId, traceId: view.traceId ?? undefined };
  return problem('declined', { location }, problemBody('declined', { detail, extra: { payment } }, occurrence));
}

/** 201 with the refund, 200 with the payment as anything else left it; or why not, with both. */
export function operationReply(view: OperationView, payment: PaymentView, requestId: string): Reply {
  if (view.failureCode !== null) return refusedReply(view, view.failureCode, payment, requestId);
  return view.kind === 'refund' ? created(locationOf(view), operationResource(view)) : ok(paymentResource(payment));
}

/** Where the end of an operation can be read. */
export function locationOf({ kind, id, payment }: Pick<OperationView, 'kind' | 'id' | 'payment'>): string {
  switch (kind) {
    case 'refund':
      return `${REFUNDS_PATH}/${id}`;
    case 'capture':
      return `${CAPTURES_PATH}/${id}`;
    case 'confirmation':
    case 'increment':
    case 'cancellation':
      return `${PAYMENTS_PATH}/${payment}`;
    default:
      return kind satisfies never;
  }
}

/** The last part of the path that each is asked for at. */
const ASKED_AT: Readonly<Record<OperationKind, string>> = {
  confirmation: 'confirm',
  increment: 'increment',
  capture: 'capture',
  cancellation: 'cancel',
  refund: 'refunds',
};

function refusedReply(view: OperationView, reason: string, payment: PaymentView, requestId: string): Reply {
  // What fails when it is confirmed is answered as what fails when it is made.
  const hasFailed = view.kind === 'confirmation' && payment.status === 'failed';
  const code: ProblemCode = hasFailed ? 'declined' : paymentRefusalCode(reason);
  const extra = { operation: operationResource(view), payment: paymentResource(payment) };
  const occurrence = {
    instance: `${pathOf(payment)}/${ASKED_AT[view.kind]}`,
    requestId,
    traceId: view.traceId ?? undefined,
  };
  const headers: Record<string, string> = view.kind === 'refund' ? { location: locationOf(view) } : {};
  return problem(code, headers, problemBody(code, { detail: detailOf(reason, payment), extra }, occurrence));
}

/** Between accounts nobody outside is asked, and where the organisation itself refused it is said why: then the word is ours. */
function detailOf(reason: string, { method, failureReason }: PaymentView): string {
  const isOurs = method.type === 'internal' || failureReason !== undefined;
  return isOurs ? ownRefusalDetail(reason) : refusalDetail(reason);
}

function pathOf({ id }: Pick<PaymentView, 'id'>): string {
  return `${PAYMENTS_PATH}/${id}`;
}
