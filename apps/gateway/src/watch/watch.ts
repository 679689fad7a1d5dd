import { Repeat } from '@payflow/messaging';
import { Problem } from '@payflow/service';
import { logger } from '@payflow/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { BlockedOwner } from '../database/access-block.repository.js';
import type { Caller } from '../http/edge/caller.js';
import { ratePolicyOf, type RatePolicy } from '../http/edge/traffic.js';
import type { Tried } from '../identity/login-guard.js';
import type { Alarms } from './alarms.js';
import type { Blocks } from './blocks.js';
import { clientAddress, type ProxyTrust } from './client-address.js';
import { networkOf, subjectOf, type Networks } from './networks.js';
import type { Rates, RateVerdict } from './rates.js';
import type { RequestLog } from './request-log.js';
import type { Suspicions } from './suspicions.js';

const log = logger('watch');

/** How soon what one process counts is known to the others, near a limit. */
const ROUND_MS = 100;
/** A client that has gone already has no address. */
const NOWHERE = '0.0.0.0';
const VISITORS_MAX = 20_000;
const KEYS_MAX = 10_000;

/** Where a request comes from. */
export interface Visitor {
  readonly address: string;
  /** What is counted and blocked: the address, of IPv6 its /64. */
  readonly subject: string;
  readonly network: string;
  /** From a network of ours: never counted, suspected or blocked. */
  readonly isTrusted: boolean;
}

export interface WatchParts {
  readonly rates: Rates;
  readonly blocks: Blocks;
  readonly suspicions: Suspicions;
  readonly alarms: Alarms;
  readonly log: RequestLog | undefined;
  readonly trustedNetworks: Networks;
  readonly proxies: ProxyTrust;
}

/**
 * Watches who comes to the door: from where, how often, and what they try. All that a request waits for is looked up in this
 * process's memory; Redis and Postgres are told behind it.
 */
export class Watch {
  readonly #visitors = new LRUCache<string, Visitor>({ max: VISITORS_MAX });
  /** The network that each key was used from last. */
  readonly #networks = new LRUCache<string, string>({ max: KEYS_MAX });
  /** A database that is slow must not keep the counts of the processes apart. */
  readonly #rounds = [() => this.#settle(), () => this.parts.alarms.run(performance.now())].map(
    (work) => new Repeat(ROUND_MS, work, (error) => log.warn({ err: error }, 'a round of the watch did not end')),
  );

  constructor(private readonly parts: WatchParts) {}

  open(): void {
    for (const rounds of this.#rounds) rounds.start();
    this.parts.log?.open();
  }

  /** Ends the rounds, and writes the log for the last time: while there is still a database. */
  async close(): Promise<void> {
    await Promise.all(this.#rounds.map((rounds) => rounds.stop()));
    await this.round();
    await this.parts.log?.close();
  }

  /** Brings the counts of all processes together, and writes down what was noticed. */
  async round(): Promise<void> {
    await Promise.all([this.#settle(), this.parts.alarms.run(performance.now())]);
  }

  async #settle(): Promise<void> {
    const { rates, suspicions } = this.parts;
    const now = performance.now();
    await Promise.all([...rates.counts, ...suspicions.counts].map((counts) => counts.settle(now)));
  }

  visitorOf(request: FastifyRequest): Visitor {
    const address = clientAddress(request.ip || NOWHERE, request.headers, this.parts.proxies);
    const known = this.#visitors.get(address);
    if (known) return known;
    const isTrusted = this.parts.trustedNetworks.has(address);
    const visitor = { address, subject: subjectOf(address), network: networkOf(address), isTrusted };
    this.#visitors.set(address, visitor);
    return visitor;
  }

  /** Counts a request before anything is known of it but its address. Throws where that is blocked. */
  admitAddress({ subject, isTrusted }: Visitor, policy: RatePolicy): RateVerdict {
    const { rates, blocks } = this.parts;
    if (isTrusted) return rates.uncounted(policy);
    const refusal = blocks.refusal('address', subject);
    if (refusal) throw withHeaders(refusal, rates.uncounted(policy));
    return rates.ofAddress(policy, subject);
  }

  /** Counts a request of a caller. Throws where the credential is blocked. */
  admitCaller(visitor: Visitor, caller: Caller, policy: RatePolicy, before: RateVerdict): RateVerdict | undefined {
    const { rates, blocks } = this.parts;
    const refusal = visitor.isTrusted ? undefined : blocks.refusal('credential', caller.actor);
    if (refusal) throw refusal;
    if (!visitor.isTrusted && caller.kind === 'key') this.#noteNetwork(visitor, caller);
    return rates.ofCaller(policy, caller.actor, visitor.isTrusted ? undefined : before);
  }

  /** Counts a try to log in to an account. Throws where there were too many. */
  admitTry(account: Tried): void {
    this.parts.rates.ofAccount(account);
  }

  /** A try that was counted has come to nothing: no password was looked at. */
  forgetTry(account: Tried): void {
    this.parts.rates.notOfAccount(account);
  }

  /** An answer has gone out. `caller`: whose it is, if anybody's. */
  noteAnswer(request: FastifyRequest, reply: FastifyReply, visitor: Visitor, caller: Caller | undefined): void {
    const { statusCode } = reply;
    if (!visitor.isTrusted && (statusCode === 401 || statusCode === 404))
      this.#noteVain(request, statusCode, visitor, caller);
    this.parts.log?.note(request, reply, visitor.address);
  }

  #noteVain(request: FastifyRequest, status: number, { subject }: Visitor, caller: Caller | undefined): void {
    const { suspicions } = this.parts;
    // Nobody guesses a signature: one that is wrong is of a secret that was changed on one side, or of a clock, and each body has another.
    if (status === 401 && ratePolicyOf(request) === 'webhook_in') return;
    // A login names its account in the body: each of its failures is another try.
    if (status === 401)
      suspicions.note('unauthenticated_burst', subject, request.headers.authorization ?? nothingIn(request));
    else if (caller) suspicions.note('id_enumeration', caller.actor, pathOf(request), ownerOf(caller));
    else suspicions.note('not_found_burst', subject, pathOf(request));
  }

  #noteNetwork({ network, address }: Visitor, { organisation: tenant, livemode, actor: key }: Caller): void {
    if (this.#networks.get(key) === network) return;
    this.#networks.set(key, network);
    this.parts.alarms.noteNetwork({ tenant, livemode, key, network, address });
  }
}

/** Users are of no mode: a session in the one blocks them in the other, too. */
function ownerOf({ organisation: tenant, livemode, kind }: Caller): BlockedOwner {
  return { tenant, livemode: kind === 'key' ? livemode : null };
}

/** A request without a credential: where one was due, the same nothing each time. */
function nothingIn(request: FastifyRequest): string | undefined {
  return request.method === 'POST' && request.body !== undefined ? undefined : '';
}

function pathOf({ url }: FastifyRequest): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

function withHeaders(refusal: Problem, { headers }: RateVerdict): Problem {
  return new Problem(refusal.code, { ...refusal.options, headers: { ...headers, ...refusal.options.headers } });
}
