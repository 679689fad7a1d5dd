import { HttpException } from '@nestjs/common';
import {
  isConnectionLoss,
  isPartitionMissing,
  isStatementTimeout,
  OutcomeUnknown,
  PoolExhausted,
} from '@payflow/database';
import type { ProblemCode } from '@payflow/contracts';
import { Refused, TimedOut } from '@payflow/resilience';
import { Problem } from './problem.js';

const BY_FASTIFY_CODE: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_EMPTY_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid_request',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid_json',
  FST_ERR_BAD_URL: 'invalid_parameter',
  FST_ERR_MAX_PARAM_LENGTH: 'uri_too_long',
};

const BY_STATUS: Readonly<Record<number, ProblemCode>> = {
  400: 'invalid_request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'request_timeout',
  413: 'payload_too_large',
  414: 'uri_too_long',
  415: 'unsupported_media_type',
  503: 'unavailable',
};

/** How soon a client may come back when a part of ours is away, seconds. */
const RETRY_AFTER_S = '1';

/** The answer to any error that reaches the edge. What nobody foresaw becomes `internal` and keeps its cause for the log. */
export function translate(error: unknown): Problem {
  if (error instanceof Problem) return error;
  // The client left while sending: nobody reads the answer, and it is nobody's fault.
  if (isAborted(error)) return new Problem('request_timeout', { cause: error });
  // What had to be told apart was: here the same request with the same key settles it.
  if (error instanceof OutcomeUnknown) return unavailable(error);
  if (error instanceof Refused) return refused(error);
  if (error instanceof TimedOut) return new Problem('gateway_timeout', { cause: error });
  if (isConnectionLoss(error) || isStatementTimeout(error) || isPartitionMissing(error)) return unavailable(error);
  const code = knownCode(error);
  if (code === 'unavailable') return unavailable(error);
  return code ? new Problem(code, { cause: error }) : new Problem('internal', { cause: error });
}

function isAborted(error: unknown): boolean {
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown };
  return code === 'ECONNRESET' && statusCode === 400;
}

/** 503 with Retry-After: a part that the request needs is away, or has more to do than it can. */
export function unavailable(cause?: unknown): Problem {
  const code = cause instanceof PoolExhausted ? 'database_busy' : 'unavailable';
  return new Problem(code, { headers: { 'retry-after': RETRY_AFTER_S }, cause });
}

/** What a policy did not begin: too late for this caller, or not now for anybody. */
function refused(error: Refused): Problem {
  if (error.reason === 'deadline_passed' || error.reason === 'caller_gone')
    return new Problem('gateway_timeout', { cause: error });
  const seconds = Math.max(1, Math.ceil(error.retryAfter_ms / 1_000));
  return new Problem('unavailable', { headers: { 'retry-after': String(seconds) }, cause: error });
}

function knownCode(error: unknown): ProblemCode | undefined {
  if (error instanceof HttpException) return BY_STATUS[error.getStatus()];
  const { code, statusCode } = (error ?? {}) as { code?: unknown; statusCode?: unknown };
  if (typeof code === 'string' && BY_FASTIFY_CODE[code]) return BY_FASTIFY_CODE[code];
  return typeof statusCode === 'number' && statusCode < 500 ? BY_STATUS[statusCode] : undefined;
}
