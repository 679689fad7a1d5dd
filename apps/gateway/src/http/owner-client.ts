import type { ProblemCode } from '@payflow/contracts';
import { currentTraceparent } from '@payflow/telemetry';
import { Problem, signInternalToken, unavailable } from '@payflow/service';
import type { Caller } from './caller.js';

/** docs/contracts.md: 30 s in all. Monitoring answers from memory, so a tenth is generous. */
const TIMEOUT_MS = 3_000;
const BODY_BYTES_MAX = 1024 * 1024;

/** Statuses with which an owner refuses what the gateway could not know, and the problem that each is. */
export type Refusals = Readonly<Record<number, ProblemCode>>;

/** Forwards a read to the service that owns the answer, in the caller's name. The gateway alone does this. */
export class OwnerClient {
  constructor(
    private readonly base: string,
    private readonly secret: string,
  ) {}

  /**
   * The owner's JSON, as text. Throws 502 for an answer that is none, 504 for one that does not come, and what `refusals`
   * makes of the statuses in it.
   */
  async read(path: string, caller: Caller, requestId: string, refusals: Refusals = {}): Promise<string> {
    return this.textOf(await this.fetch(path, caller, requestId), refusals);
  }

  /** {@link read} with a question that is too long for a path, parsed. It is still a read: whoever answers it changes nothing. */
  async ask(path: string, question: object, caller: Caller, requestId: string): Promise<unknown> {
    const text = await this.textOf(await this.fetch(path, caller, requestId, JSON.stringify(question)), {});
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      throw new Problem('bad_gateway', { cause: error });
    }
  }

  private async textOf(answer: Response, refusals: Refusals): Promise<string> {
    const refusal = refusals[answer.status];
    if (refusal) throw new Problem(refusal);
    const body = await answer.text().catch((error: unknown) => {
      throw new Problem('bad_gateway', { cause: error });
    });
    if (answer.status === 503) throw unavailable(new Error('the owner answered 503'));
    if (answer.status !== 200 || body.length > BODY_BYTES_MAX)
      throw new Problem('bad_gateway', { cause: new Error(`the owner answered ${answer.status}`) });
    return body;
  }

  private async fetch(
    path: string,
    { tenant, livemode, actor, scopes }: Caller,
    requestId: string,
    body?: string,
  ): Promise<Response> {
    const token = signInternalToken(this.secret, { tenant, livemode, actor, scopes }, Date.now());
    const traceparent = currentTraceparent();
    const headers = {
      authorization: `Bearer ${token}`,
      'request-id': requestId,
      ...(traceparent ? { traceparent } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    try {
      return await fetch(new URL(path, this.base), {
        headers,
        ...(body === undefined ? {} : { method: 'POST', body }),
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      throw new Problem((error as Error).name === 'TimeoutError' ? 'gateway_timeout' : 'bad_gateway', { cause: error });
    }
  }
}
