import type { Service } from '@payflow/contracts';
import { internalHeaders } from '@payflow/invariants';
import { DEADLINE_HEADER, Policy, deadlineHeader, deadlineIn, withDeadline } from '@payflow/resilience';

/** The longest of all questions; each has its own limit below it. */
const LIMIT_MS = 10_000;
/** Rounds that overlap must not pile up at a service that answers slowly. */
const RUNNING_MAX = 8;
const WAITING_MAX = 8;

/** Asks one service about itself, over HTTP. No retry and no breaker: whether it answers is what is asked. */
export class InternalClient {
  private readonly policy: Policy;

  constructor(
    readonly service: Service,
    private readonly base: string,
    private readonly secret: string,
  ) {
    this.policy = new Policy(`monitoring.${service}`, {
      limit_ms: LIMIT_MS,
      bulkhead: { running_max: RUNNING_MAX, waiting_max: WAITING_MAX },
    });
  }

  /** The answer's status and body, which has come whole by then. With a `question` it is a POST of its JSON. */
  ask(path: string, limit_ms: number, question?: object): Promise<{ readonly status: number; readonly text: string }> {
    return withDeadline(deadlineIn(limit_ms), () =>
      this.policy.run(async ({ signal, deadline }) => {
        const answer = await fetch(new URL(path, this.base), {
          headers: {
            ...internalHeaders(this.secret, 'monitoring'),
            [DEADLINE_HEADER]: deadlineHeader(deadline),
            ...(question ? { 'content-type': 'application/json' } : {}),
          },
          ...(question ? { method: 'POST', body: JSON.stringify(question) } : {}),
          redirect: 'error',
          signal,
        });
        return { status: answer.status, text: await answer.text() };
      }),
    );
  }

  /** The JSON of an answer that must be one. */
  async json<T>(path: string, limit_ms: number, question?: object): Promise<T> {
    const { status, text } = await this.ask(path, limit_ms, question);
    if (status !== 200) throw new Error(`${path} answered ${status}`);
    return JSON.parse(text) as T;
  }
}
