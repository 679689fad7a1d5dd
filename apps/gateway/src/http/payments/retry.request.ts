import { idPattern, type PaymentMethod } from '@payflow/contracts';
import { Problem } from '@payflow/service';
import type { PaymentWrite } from '../../acceptance/acceptable.js';
import type { PaymentView } from '../../domain/payment.js';
import type { Caller } from '../edge/caller.js';
import { PAYMENT_METHOD_SCHEMA, paymentOf } from './payment.request.js';
import { bodyReader } from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';

/** `POST /api/v1/payments/:id/retry` */
interface RetryRequest {
  readonly id?: string;
  readonly method?: PaymentMethod;
}

export const RETRY_REQUEST_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: { id: { type: 'string', pattern: idPattern('payment') }, method: PAYMENT_METHOD_SCHEMA },
} as const;

const readRetry = bodyReader<RetryRequest>(RETRY_REQUEST_SCHEMA);

/** A new payment of the same content as one that failed, by another method if one is named. Throws 400, 409 and 422. */
export function retryWrite(failed: PaymentView, json: JsonObject, caller: Caller, now: Date): PaymentWrite {
  const { id, method = failed.method } = readRetry(json);
  // Never left once it is reached, so that no copy of an accepted retry is refused here.
  if (failed.status !== 'failed') throw new Problem('payment_not_retryable');
  const { source, destination, amount, asset, capture, customer, reference, metadata, division } = failed;
  const named = id === undefined ? {} : { id };
  const content = { source, destination, amount, asset, method, capture, customer, reference, metadata };
  const divided = division ? { told: division, accounts: [] } : undefined;
  return paymentOf({ ...named, ...content }, caller, now, failed.id, divided);
}
