import { PROBLEMS, type ProblemCode } from '@payflow/contracts';
import { PROBLEM_CONTENT_TYPE, problemBody } from '@payflow/service';
import { accountResource, type AccountView } from '../domain/account.js';
import { paymentResource, type PaymentView } from '../domain/payment.js';
import type { Reply } from './acceptable.js';

export const PAYMENTS_PATH = '/api/v1/payments';
export const ACCOUNTS_PATH = '/api/v1/accounts';
const JSON_CONTENT_TYPE = 'application/json; charset=utf-8';

/** 201 with the payment, or 402 with the payment that was refused. */
export function paymentReply(view: PaymentView, requestId: string): Reply {
  const location = `${PAYMENTS_PATH}/${view.id}`;
  const payment = paymentResource(view);
  if (view.status === 'succeeded') return created(location, payment);
  const detail = `Refused: ${view.failureCode}.`;
  const occurrence = { instance: PAYMENTS_PATH, requestId, traceId: view.traceId ?? undefined };
  return problem('declined', { location }, problemBody('declined', { detail, extra: { payment } }, occurrence));
}

/** 201 with the account. */
export function openedReply(view: AccountView): Reply {
  return created(`${ACCOUNTS_PATH}/${view.id}`, accountResource(view));
}

/** The problem that the ledger's reason for not opening an account stands for. */
export function rejectedReply(reason: string, requestId: string, traceId: string | undefined): Reply {
  const code: ProblemCode = reason === 'account_exists' || reason === 'id_reused' ? reason : 'account_refused';
  return problem(
    code,
    {},
    problemBody(code, { detail: `Refused: ${reason}.` }, { instance: ACCOUNTS_PATH, requestId, traceId }),
  );
}

function created(location: string, resource: object): Reply {
  return { status: 201, headers: { 'content-type': JSON_CONTENT_TYPE, location }, body: JSON.stringify(resource) };
}

function problem(code: ProblemCode, headers: Record<string, string>, body: object): Reply {
  return {
    status: PROBLEMS[code].status,
    headers: { 'content-type': PROBLEM_CONTENT_TYPE, ...headers },
    body: JSON.stringify(body),
  };
}
