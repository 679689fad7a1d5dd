import { trace } from '@opentelemetry/api';
import { ATTRIBUTES } from '@payflow/contracts';
import { currentTraceparent } from '@payflow/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Acceptable, Write } from '../acceptance/acceptable.js';
import type { Answer, Writes } from '../acceptance/writes.js';
import { API_VERSION } from './api-version.js';
import { callerOf } from './authentication.js';
import type { Caller } from './caller.js';
import { refuseOversized } from './command-size.js';
import { bodyOf } from './edge.js';
import { fingerprint } from './fingerprint.js';
import { idempotencyKeyOf, waitOf } from './headers.js';
import { refuseParameters } from './list-query.js';
import type { JsonObject } from './strict-json.js';

const ID_ATTRIBUTES = {
  payment: ATTRIBUTES.paymentId,
  account: ATTRIBUTES.accountId,
  transfer: ATTRIBUTES.transferId,
  group: ATTRIBUTES.transferGroupId,
  hold: ATTRIBUTES.holdId,
  change: ATTRIBUTES.messageId,
} as const;

/** Makes a write of a request: its headers, its body by `read`, and who asks. Then makes it durable and waits for its end. */
export async function submitRequest<W extends Write>(
  writes: Writes,
  request: FastifyRequest,
  reply: FastifyReply,
  read: (body: JsonObject, caller: Caller, now: Date) => W,
): Promise<{ readonly write: W; readonly answer: Answer }> {
  const received = performance.now();
  const idempotencyKey = idempotencyKeyOf(request.headers['idempotency-key']);
  const { wait_ms, applied } = waitOf(request.headers['prefer']);
  refuseParameters(request.url);
  const caller = callerOf(request);
  const { bytes, json } = bodyOf(request);
  const write = read(json, caller, new Date());
  refuseOversized(write, bytes.length);
  trace.getActiveSpan()?.setAttribute(ID_ATTRIBUTES[write.kind], write.view.id);
  const acceptable: Acceptable = {
    tenant: caller.tenant,
    livemode: caller.livemode,
    actor: caller.actor,
    idempotencyKey,
    fingerprint: fingerprint(request.method, request.url, bytes),
    apiVersion: API_VERSION,
    requestId: request.id,
    traceparent: currentTraceparent(),
    write,
  };
  if (applied) void reply.header('preference-applied', applied);
  return { write, answer: await writes.submit(acceptable, received + wait_ms) };
}
