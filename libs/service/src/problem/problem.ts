import { PROBLEMS, type ProblemCode, type ProblemSpec } from '@payflow/contracts';

/** One thing wrong with one part of a request; `pointer` is a JSON Pointer (RFC 6901) into the body, or a parameter's name. */
export interface FieldProblem {
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

export interface ProblemOptions {
  /** Plain words for this occurrence: no SQL, path of ours, stack or secret. Without them it is told what to do about the code. */
  readonly detail?: string;
  readonly errors?: readonly FieldProblem[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Members beside the standard ones, such as the failed `payment`. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  /** What happens by itself and in numbers, and is counted by whoever refuses: it is not logged one by one. */
  readonly isExpected?: true;
}

/** An error that is an answer: thrown anywhere below the edge, written by the problem filter as RFC 9457 says. */
export class Problem extends Error {
  readonly status: number;

  constructor(
    readonly code: ProblemCode,
    readonly options: ProblemOptions = {},
  ) {
    super(options.detail ?? PROBLEMS[code].title, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'Problem';
    this.status = PROBLEMS[code].status;
  }
}

/** Where and under which ids a problem happened. */
export interface Occurrence {
  /** The path of the request, without its query. */
  readonly instance?: string;
  readonly requestId?: string | undefined;
  readonly traceId?: string | undefined;
}

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** The members of an `application/problem+json` body, in the order of the documentation. */
export function problemBody(
  code: ProblemCode,
  options: ProblemOptions,
  occurrence: Occurrence,
): Record<string, unknown> {
  const spec: ProblemSpec = PROBLEMS[code];
  return {
    type: `/docs/errors#${code}`,
    title: spec.title,
    status: spec.status,
    detail: options.detail ?? spec.remedy,
    ...(occurrence.instance === undefined ? {} : { instance: occurrence.instance }),
    code,
    ...(occurrence.requestId === undefined ? {} : { request_id: occurrence.requestId }),
    ...(occurrence.traceId === undefined ? {} : { trace_id: occurrence.traceId }),
    retryable: spec.retryable ?? false,
    ...(options.errors ? { errors: options.errors } : {}),
    ...options.extra,
  };
}
