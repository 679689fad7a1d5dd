import { trace } from '@opentelemetry/api';
import { ATTRIBUTES } from '@payflow/contracts';
import { currentTraceparent } from '@payflow/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Acceptable, Write } from '../../acceptance/acceptable.js';
import { isAudited } from '../../audit/audited-writes.js';
import { originOf } from '../../audit/origin.js';
import type { NamedWrite } from '../../database/client-id.repository.js';
import type { Answer, WriteIdentity, Writes } from '../../acceptance/writes.js';
import { leaveWork } from '../../load/admission.js';
import { versionOf } from '../edge/api-version.js';
import { callerOf } from '../edge/authentication.js';
import type { Caller } from '../edge/caller.js';
import { refuseOversized } from './command-size.js';
import { bodyOf } from '../edge/edge.js';
import { fingerprint } from './fingerprint.js';
import { idempotencyKeyOf, waitOf } from '../edge/headers.js';
import { refuseParameters } from '../lists/list-query.js';
import type { JsonObject } from '../edge/strict-json.js';

const ID_ATTRIBUTES = {
  payment: ATTRIBUTES.paymentId,
  account: ATTRIBUTES.accountId,
  transfer: ATTRIBUTES.transferId,
  group: ATTRIBUTES.transferGroupId,
  hold: ATTRIBUTES.holdId,
  change: ATTRIBUTES.messageId,
  confirmation: ATTRIBUTES.paymentOperationId,
  increment: ATTRIBUTES.paymentOperationId,
  capture: ATTRIBUTES.paymentOperationId,
  cancellation: ATTRIBUTES.paymentOperationId,
  refund: ATTRIBUTES.paymentOperationId,
} as const;

/** Makes a write of a request: its headers, its body by `read`, and who asks. Then makes it durable and waits for its end. */
export async function submitRequest<W extends Write>(
  writes: Writes,
  request: FastifyRequest,
  reply: FastifyReply,
  read: (body: JsonObject, caller: Caller, now: Date) => W,
): Promise<{ readonly write: W; readonly answer: Answer }> {
  const received = receive(request, reply);
  return submit(writes, request, received, read(received.json, received.caller, new Date()));
}

/**
 * {@link submitRequest} for what means something else once other things have changed: a copy of a request that was accepted is
 * answered as that was, without being read again. Then there is no write. `name` tells the copies by what they ask for under an
 * id of their own.
 */
export async function submitUnlessKnown<W extends Write>(
  writes: Writes,
  request: FastifyRequest,
  reply: FastifyReply,
  read: (body: JsonObject, caller: Caller, now: Date) => Promise<W>,
  name: (body: JsonObject) => Pick<NamedWrite, 'kind' | 'id' | 'contentHash'> | undefined,
): Promise<{ readonly write: W | undefined; readonly answer: Answer }> {
  const received = receive(request, reply);
  const { caller, json, identity, deadline } = received;
  const named = name(json);
  const answer = await writes.standing(identity, named && { ...identity, ...named, transfers: [] }, deadline, () =>
    leaveWork(request),
  );
  return answer
    ? { write: undefined, answer }
    : submit(writes, request, received, await read(json, caller, new Date()));
}

interface Received {
  readonly caller: Caller;
  readonly json: JsonObject;
  readonly bodyBytes: number;
  readonly identity: WriteIdentity;
  /** Milliseconds of `performance.now()`. */
  readonly deadline: number;
}

/** What every write says beside its body. */
function receive(request: FastifyRequest, reply: FastifyReply): Received {
  const received = performance.now();
  const idempotencyKey = idempotencyKeyOf(request.headers['idempotency-key']);
  const { wait_ms, applied } = waitOf(request.headers['prefer']);
  refuseParameters(request.url);
  const caller = callerOf(request);
  const { bytes, json } = bodyOf(request);
  if (applied) void reply.header('preference-applied', applied);
  const { tenant, livemode } = caller;
  const identity = {
    tenant,
    livemode,
    idempotencyKey,
    fingerprint: fingerprint(request.method, request.url, bytes),
    apiVersion: versionOf(request),
  };
  return { caller, json, bodyBytes: bytes.length, identity, deadline: received + wait_ms };
}

async function submit<W extends Write>(
  writes: Writes,
  request: FastifyRequest,
  { caller, bodyBytes, identity, deadline }: Received,
  write: W,
): Promise<{ readonly write: W; readonly answer: Answer }> {
  refuseOversized(write, bodyBytes);
  trace.getActiveSpan()?.setAttribute(ID_ATTRIBUTES[write.kind], write.view.id);
  const acceptable: Acceptable = {
    ...identity,
    actor: caller.actor,
    requestId: request.id,
    traceparent: currentTraceparent(),
    ...(isAudited(write) ? { audit: originOf(request, caller) } : {}),
    write,
  };
  return { write, answer: await writes.submit(acceptable, deadline, () => leaveWork(request)) };
}
