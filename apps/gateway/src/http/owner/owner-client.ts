import type { ProblemCode } from '@payflow/contracts';
import { DEADLINE_HEADER, Policy, Refused, TimedOut, deadlineHeader, type Call } from '@payflow/resilience';
import { Problem, signInternalToken, translate } from '@payflow/service';
import { currentTraceparent } from '@payflow/telemetry';
import type { Caller } from '../edge/caller.js';
import { Unreachable, type OwnerAnswer, type OwnerTransport } from './transport.js';

/** Forwarded reads at one time, and those that may wait for their turn: an owner that is slow must not take the gateway along. */
const RUNNING_MAX = 64;
const WAITING_MAX = 128;
/** What an owner takes, less what else stands in the head. What is longer is the caller's fault, and no owner's. */
const PATH_LENGTH_MAX = 60 * 1024;
const FAILURES_MAX = 5;
const OPEN_MS = 1_000;
/** One retry, for a connection that the owner closed as it was taken; at most one read in ten. */
const RETRY = {
  retries_max: 1,
  pause_ms: 20,
  pause_max_ms: 20,
  budget: { share: 0.1, saved_max: 10 },
  isTransient: (error: unknown) => error instanceof Unreachable,
};

/** Statuses with which an owner refuses what the gateway could not know, and the problem that each is. */
export type Refusals = Readonly<Record<number, ProblemCode>>;

/** An owner that says it cannot answer now: no fault of the question, and one for the breaker to know of. */
class NotNow extends Error {
  constructor(readonly answer: OwnerAnswer) {
    super(`the owner answered ${answer.status}`);
  }
}

/** Forwards a read to the service that owns the answer, in the caller's name. The gateway alone does this. */
export class OwnerClient {
  private readonly policy: Policy;

  constructor(
    owner: 'ledger' | 'monitoring' | 'payments',
    private readonly transport: OwnerTransport,
    private readonly secret: string,
    /** For a read in all: its wait for a place, its tries and its answer. */
    limit_ms: number,
  ) {
    this.policy = new Policy(`owner.${owner}`, {
      limit_ms,
      bulkhead: { running_max: RUNNING_MAX, waiting_max: WAITING_MAX },
      retry: RETRY,
      breaker: { failures_max: FAILURES_MAX, open_ms: OPEN_MS, isFailure },
    });
  }

  /**
   * The owner's JSON, as text. Throws 502 for an answer that is none, 503 while the owner is not to be asked, 504 for an
   * answer that does not come, and what `refusals` makes of the statuses in it.
   */
  async read(path: string, caller: Caller, requestId: string, refusals: Refusals = {}): Promise<string> {
    return textOf(await this.forward(path, caller, requestId), refusals);
  }

  /** {@link read} with a question that is too long for a path, parsed. It is still a read: whoever answers it changes nothing. */
  async ask(path: string, question: object, caller: Caller, requestId: string): Promise<unknown> {
    const text = textOf(await this.forward(path, caller, requestId, JSON.stringify(question)), {});
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      throw new Problem('bad_gateway', { cause: error });
    }
  }

  close(): void {
    this.transport.close();
  }

  private async forward(path: string, caller: Caller, requestId: string, body?: string): Promise<OwnerAnswer> {
    if (path.length > PATH_LENGTH_MAX) throw new Problem('uri_too_long');
    const headers = this.headers(caller, requestId, body);
    try {
      return await this.policy.run(({ signal, deadline }: Call) =>
        this.send({ path, headers: { ...headers, [DEADLINE_HEADER]: deadlineHeader(deadline) }, body, signal }),
      );
    } catch (error) {
      throw problemOf(error);
    }
  }

  private async send(request: Parameters<OwnerTransport['send']>[0]): Promise<OwnerAnswer> {
    const answer = await this.transport.send(request);
    if (answer.status === 503 || answer.status === 504) throw new NotNow(answer);
    return answer;
  }

  private headers({ tenant, livemode, actor, scopes }: Caller, requestId: string, body: string | undefined) {
    const token = signInternalToken(this.secret, { tenant, livemode, actor, scopes }, Date.now());
    const traceparent = currentTraceparent();
    return {
      authorization: `Bearer ${token}`,
      'request-id': requestId,
      ...(traceparent ? { traceparent } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
  }
}

function isFailure(error: unknown): boolean {
  return error instanceof Unreachable || error instanceof TimedOut || error instanceof NotNow;
}

function problemOf(error: unknown): Problem {
  if (error instanceof Refused || error instanceof TimedOut) return translate(error);
  if (!(error instanceof NotNow)) return new Problem('bad_gateway', { cause: error });
  const { status, retryAfter = '1' } = error.answer;
  if (status === 504) return new Problem('gateway_timeout', { cause: error });
  return new Problem('unavailable', { headers: { 'retry-after': retryAfter }, cause: error });
}

function textOf({ status, body }: OwnerAnswer, refusals: Refusals): string {
  const refusal = refusals[status];
  if (refusal) throw new Problem(refusal);
  if (status !== 200) throw new Problem('bad_gateway', { cause: new Error(`the owner answered ${status}`) });
  return body;
}
