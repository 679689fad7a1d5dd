import { REFUSALS, type Refusal } from './domain/authorization.js';

const CODES = {
  invalid_request: { status: 400, title: 'The request has not the documented form.' },
  malformed_json: { status: 400, title: 'The body is no JSON.' },
  currency_unknown: { status: 400, title: 'No such currency is accepted.' },
  token_unknown: { status: 400, title: 'The token stands for no card.' },
  idempotency_key_invalid: {
    status: 400,
    title: 'Every POST needs an Idempotency-Key of 1 to 255 visible characters.',
  },
  unauthenticated: { status: 401, title: 'The API key is missing or wrong.' },
  not_found: { status: 404, title: 'There is nothing here.' },
  request_timeout: { status: 408, title: 'The request took too long to arrive.' },
  idempotency_key_reused: { status: 409, title: 'The key was used for another request.' },
  payload_too_large: { status: 413, title: 'The body is too large.' },
  unsupported_media_type: { status: 415, title: 'The body must be application/json.' },
  rate_limited: { status: 429, title: 'Too many requests.' },
  headers_too_large: { status: 431, title: 'The headers are too large.' },
  internal_error: { status: 500, title: 'Something went wrong here.' },
  books_full: { status: 503, title: 'The sandbox keeps no more operations: reset it.' },
} as const;

export type ProblemCode = keyof typeof CODES | Refusal;

export const PROBLEM_TYPE = 'application/problem+json';

/** One thing wrong with one part of the body. */
export interface FieldProblem {
  readonly pointer: string;
  readonly detail: string;
}

/** Thrown anywhere below the edge, answered as RFC 9457 says. */
export class Problem extends Error {
  constructor(
    readonly code: ProblemCode,
    readonly errors: readonly FieldProblem[] = [],
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(code);
  }
}

export function statusOf(code: ProblemCode): number {
  return code in REFUSALS ? 422 : CODES[code as keyof typeof CODES].status;
}

/** The body of an answer. The same for the same code: what was refused under a key is refused in the same bytes again. */
export function problemBody(code: ProblemCode, errors: readonly FieldProblem[] = []): string {
  const title = code in REFUSALS ? REFUSALS[code as Refusal] : CODES[code as keyof typeof CODES].title;
  const members = { type: `/problems/${code}`, title, status: statusOf(code), code };
  return JSON.stringify(errors.length > 0 ? { ...members, errors } : members);
}
