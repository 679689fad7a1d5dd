import { AsyncResource } from 'node:async_hooks';
import {
  BoundedQueue,
  Policy,
  RateLimit,
  Refused,
  TimedOut,
  currentDeadline,
  deadlineIn,
  withDeadline,
} from '@payflow/resilience';
import { logger } from '@payflow/telemetry';
import type { InquiryAnswer, ProviderAction, ProviderAnswer, ProviderCall } from '../connector.js';
import { Lost, NotSent } from './call-failures.js';
import { silence_ms } from './http-status.js';
import { observed } from './observation.js';

export interface OutboundOptions {
  /** Calls at one time; HTTP/1.1 needs a connection for each. */
  readonly running_max: number;
  /** For everything together, ms: waiting, tries and the pauses between them. */
  readonly limit_ms: number;
  /** Requests per second that the supplier allows. */
  readonly perSecond?: number | undefined;
}

/** What one try of a call is told, and what it tells. */
export interface Try {
  readonly signal: AbortSignal;
  /** To be called before the first byte leaves: from then on the outcome may be unknown. */
  readonly onBegin: () => void;
}

const log = logger('connectors');

/**
 * Whoever waits holds one of the worker's hands, of which there are as many as all connectors hold, and more: none may have those of
 * the others. Ten calls at 50 ms each let this many through in half a second.
 */
export const WAITING_MAX = 100;
/** Whoever waited for a place so long, of the time for all, is asked again later, or better off with another connector. */
const QUEUED_SHARE = 1 / 3;
/** A moment of trouble is ridden out; an outage is not met with more of what it suffers from. */
const RETRY = { retries_max: 2, pause_ms: 50, pause_max_ms: 500, budget: { share: 0.1, saved_max: 10 } };
const BREAKER = { failures_max: 10, open_ms: 5_000 };
/** The provider is not there, or says so: what comes next would find the same. */
const NOT_THERE = new Set(['connection_not_made', 'no_connection_in_time', 'provider_unavailable']);

/**
 * How one connector calls out. Everything here is its own, so that a connector whose provider is slow fills its own places and
 * no other's. From the outside in: span and metrics, deadline, queue, retry, breaker, time limit, rate limit, the try itself.
 *
 * Tried again by itself is only what certainly did not reach the provider, and questions. What may have reached it is `unknown`,
 * and its outcome is asked for, never its doing.
 */
export class Outbound {
  readonly #queue: BoundedQueue;
  readonly #policy: Policy;
  readonly #rate: RateLimit | undefined;

  constructor(
    /** The connector's; `connector.<name>` labels the metrics of its policy. */
    readonly name: string,
    private readonly options: OutboundOptions,
  ) {
    const { running_max, limit_ms, perSecond } = options;
    const policy = `connector.${name}`;
    this.#queue = new BoundedQueue(policy, {
      running_max,
      waiting_max: WAITING_MAX,
      age_max_ms: limit_ms * QUEUED_SHARE,
    });
    this.#policy = new Policy(policy, {
      limit_ms,
      retry: { ...RETRY, isTransient: (error) => isFailure(error) && error.isRepeatable },
      breaker: { ...BREAKER, isFailure: isProviders },
    });
    this.#rate =
      perSecond === undefined
        ? undefined
        : new RateLimit(policy, { perSecond, burst: Math.max(1, Math.ceil(perSecond / 10)) });
  }

  /**
   * Asks for something, and reads what came. Both throw {@link NotSent} or {@link Lost}; whatever else they throw after the first
   * byte left is unknown too. What is read but says too little is nobody's failure, and is not asked again.
   */
  ask<T>(
    action: ProviderAction,
    { signal }: ProviderCall,
    attempt: (it: Try) => Promise<T>,
    read: (answer: T) => ProviderAnswer,
  ): Promise<ProviderAnswer> {
    return observed(this.name, action, () => this.#run(signal, attempt, read).catch(answerOf));
  }

  /** Puts a question, which may be put again. One that could not be put leaves everything as unknown as it was. */
  inquire<T>(
    { signal }: ProviderCall,
    attempt: (it: Try) => Promise<T>,
    read: (answer: T) => Exclude<InquiryAnswer, { readonly outcome: 'not_sent' }>,
  ): Promise<InquiryAnswer> {
    return observed(this.name, 'inquire', () => this.#run(signal, questionOf(attempt), read).catch(stillUnknown));
  }

  /** Reads what is no outcome of ours. Throws {@link NotSent} or {@link Lost} where nothing was heard, and whatever `read` throws. */
  async read<T, A>({ signal }: ProviderCall, attempt: (it: Try) => Promise<T>, read: (answer: T) => A): Promise<A> {
    return read(await this.#run(signal, questionOf(attempt), (answer) => answer));
  }

  async #run<T, A>(gone: AbortSignal, attempt: (it: Try) => Promise<T>, read: (answer: T) => A): Promise<A> {
    let isBegun = false;
    const onBegin = () => (isBegun = true);
    const tries = () =>
      this.#policy.run(async ({ signal, deadline }) => {
        await this.#turn(deadline, signal);
        return attempt({ signal: AbortSignal.any([signal, gone]), onBegin });
      });
    const until = Math.min(deadlineIn(this.options.limit_ms), currentDeadline() ?? Infinity);
    try {
      // Whoever waits is begun from within the call that ends: without this, in that one's trace.
      return read(await withDeadline(until, () => this.#queue.run(AsyncResource.bind(tries), { gone })));
    } catch (error) {
      this.#heed(error);
      throw failureOf(error, isBegun);
    }
  }

  async #turn(deadline: number, signal: AbortSignal): Promise<void> {
    await this.#rate?.take(deadline, signal);
  }

  /** A provider that asks for silence has it, from everyone in this process. */
  #heed(error: unknown): void {
    if (!(error instanceof NotSent)) return;
    const pause_ms = silence_ms(error.facts['retry_after']);
    if (pause_ms > 0) this.#rate?.pause(pause_ms);
  }
}

/** What may be put again, because nothing changes by it. */
function questionOf<T>(attempt: (it: Try) => Promise<T>): (it: Try) => Promise<T> {
  return (it) =>
    attempt(it).catch((error: unknown) => {
      throw error instanceof Lost ? new Lost(error.code, error.facts, true) : error;
    });
}

function isFailure(error: unknown): error is NotSent | Lost {
  return error instanceof NotSent || error instanceof Lost;
}

function isProviders(error: unknown): boolean {
  if (error instanceof NotSent) return NOT_THERE.has(error.code);
  return error instanceof TimedOut || (error instanceof Lost && error.code !== 'answer_inconclusive');
}

/** The time limit may be faster to say that the time is over than the try; what decides is whether it had begun. */
function failureOf(error: unknown, isBegun: boolean): NotSent | Lost {
  if (isFailure(error)) return error;
  // Both are one thing to whoever asks: there was no place.
  if (error instanceof Refused) return new NotSent(error.reason === 'bulkhead_full' ? 'queue_full' : error.reason);
  if (error instanceof TimedOut) return isBegun ? new Lost('no_answer_in_time') : new NotSent('no_connection_in_time');
  log.error({ err: error }, 'a connector failed in a way of its own');
  return isBegun ? new Lost('connector_failed') : new NotSent('connector_failed');
}

function answerOf(failure: NotSent | Lost): ProviderAnswer {
  const { code, facts } = failure;
  return { outcome: failure instanceof NotSent ? 'not_sent' : 'unknown', code, evidence: { code, ...facts } };
}

function stillUnknown({ code, facts }: NotSent | Lost): InquiryAnswer {
  return { outcome: 'unknown', code, evidence: { code, ...facts } };
}
