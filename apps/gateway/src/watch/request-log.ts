import { WriteBehind } from '@payflow/cache';
import { newUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { problemCodeOf } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { addRequests, type LoggedRequest } from '../database/request-log.repository.js';
import { callerIfAny } from '../http/edge/authentication.js';

const WRITTEN_EVERY_MS = 500;
/** Three seconds of a busy process; what comes while they wait is dropped, and counted. */
const WAITING_MAX = 10_000;
const US_PER_MS = 1_000;
const DURATION_MAX_US = 2_147_483_647;
/** As it stands in `traceparent`. */
const TRACE_ID = /^00-([0-9a-f]{32})-/;

/** Notes what was asked and how it ended: behind the requests, together, and rather not at all than in their way. */
export class RequestLog {
  readonly #notes: WriteBehind<LoggedRequest>;

  constructor(db: Database, interval_ms = WRITTEN_EVERY_MS) {
    this.#notes = new WriteBehind<LoggedRequest>({
      name: 'request_log',
      interval_ms,
      keys_max: WAITING_MAX,
      merge: (_before, note) => note,
      write: (notes) => addRequests(db, [...notes.values()]),
    });
  }

  open(): void {
    this.#notes.open();
  }

  note(request: FastifyRequest, reply: FastifyReply, address: string): void {
    const uuid = newUuid();
    this.#notes.note(uuid, logged(request, reply, uuid, address));
  }

  flush(): Promise<void> {
    return this.#notes.flush();
  }

  close(): Promise<void> {
    return this.#notes.close();
  }
}

function logged(request: FastifyRequest, reply: FastifyReply, uuid: string, address: string): LoggedRequest {
  const caller = callerIfAny(request);
  const elapsed_ms = reply.elapsedTime;
  return {
    owner: caller,
    uuid,
    // When it came, so that the list is in the order of the requests.
    at: Date.now() - Math.round(elapsed_ms),
    method: request.method,
    route: request.routeOptions.url ?? null,
    status: reply.raw.headersSent ? reply.statusCode : null,
    duration_us: Math.min(Math.round(elapsed_ms * US_PER_MS), DURATION_MAX_US),
    requestBytes: bytesOf(request.headers['content-length']),
    responseBytes: bytesOf(reply.getHeader('content-length')),
    actor: caller?.actor ?? null,
    address,
    requestId: request.id,
    traceId: TRACE_ID.exec(String(reply.getHeader('traceparent') ?? ''))?.[1] ?? null,
    code: problemCodeOf(reply) ?? null,
  };
}

/** Null where it is not said beforehand: what is streamed has no length. */
function bytesOf(length: unknown): number | null {
  const bytes = Number(length ?? NaN);
  return Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : null;
}
