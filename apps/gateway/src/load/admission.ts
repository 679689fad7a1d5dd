import { Problem, refusesMethod, sendProblem } from '@payflow/service';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { trafficOf, type TrafficClass } from '../http/traffic.js';
import { Concurrency } from './concurrency.js';
import { Gate, type ShedReason } from './gate.js';
import { countChange, countShed, observeWait, showLoad } from './load-metrics.js';
import { LoopDelay } from './loop-delay.js';

const API_PREFIX = '/api/';
const ADJUST_INTERVAL_MS = 100;

/**
 * While the event loop is later than this, ms, nothing of the class is begun. What settles money is begun always. A loop that is late
 * though few are at work is held up by something else, and sending them away would not help it.
 */
const LOOP_DELAY_MAX_MS: Readonly<Record<TrafficClass, number>> = {
  export: 60,
  read: 120,
  write: 250,
  critical: Infinity,
};

/** How soon the client may come back, seconds: what can be put off comes back later. */
const RETRY_AFTER_S: Readonly<Record<TrafficClass, string>> = { critical: '1', write: '1', read: '2', export: '10' };

const WORK = Symbol('work');

/** A request that is at work: which class it counts for, and since when. */
type AdmittedRequest = FastifyRequest & { [WORK]?: Admission | null; trafficClass?: TrafficClass; sinceMs?: number };

export interface AdmissionOptions {
  readonly MAX_WORKERS: number;
  readonly MAX_QUEUE_SIZE: number;
}

/** Which requests are worked on now, which wait, and which are told to come back. */
export class Admission {
  readonly #gate: Gate;
  readonly #concurrency: Concurrency;
  readonly #loop = new LoopDelay();
  readonly #timer: NodeJS.Timeout;

  constructor({ MAX_WORKERS, MAX_QUEUE_SIZE }: AdmissionOptions) {
    this.#concurrency = new Concurrency(MAX_WORKERS);
    this.#gate = new Gate({
      workers_max: MAX_WORKERS,
      waiting_max: MAX_QUEUE_SIZE,
      onWaited: observeWait,
      onShed: countShed,
    });
    showLoad(this.#gate, this.#loop, MAX_WORKERS);
    this.#timer = setInterval(() => this.#adjust(), ADJUST_INTERVAL_MS).unref();
  }

  /** Why nothing of the class is begun or kept waiting now, if so. */
  refusal(traffic: TrafficClass): ShedReason | undefined {
    const isBusy = this.#concurrency.isMany(this.#gate.running);
    if (isBusy && this.#loop.now_ms > LOOP_DELAY_MAX_MS[traffic]) return 'event_loop';
    return this.#gate.isFullFor(traffic) ? 'queue_full' : undefined;
  }

  enter(): boolean {
    return this.#gate.enter();
  }

  wait(traffic: TrafficClass, begin: () => void, shed: (reason: ShedReason) => void): () => void {
    return this.#gate.wait(traffic, begin, shed);
  }

  leave(traffic: TrafficClass, took_ms: number): void {
    this.#concurrency.note(traffic, took_ms);
    this.#gate.leave();
  }

  /** A worker is given back by one whose time says nothing of how long its class takes: it has waited for something else. */
  stepAside(): void {
    this.#gate.leave();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#loop.close();
  }

  #adjust(): void {
    const change = this.#concurrency.adjust(this.#loop.look());
    if (!change) return;
    countChange(change);
    this.#gate.workers = change.to;
    this.#gate.admitWaiting();
  }
}

/**
 * Lets requests to `/api` in as there are workers for them. Twice it is looked at one: before its body is received, whether there
 * is any hope for it, and when it is there, for a worker: a client that sends slowly occupies none.
 */
export function admitRequests(fastify: FastifyInstance, admission: Admission): void {
  fastify.addHook('onRequest', (request: FastifyRequest, reply, done) => {
    if (!isAdmitted(request)) return done();
    const traffic = trafficOf(request);
    const reason = admission.refusal(traffic);
    if (!reason) return done();
    countShed(traffic, reason);
    shed(traffic, request, reply);
  });
  fastify.addHook('preHandler', (request: AdmittedRequest, reply, done) => {
    if (!isAdmitted(request)) return done();
    const traffic = trafficOf(request);
    if (admission.enter()) {
      begin(request, admission, traffic);
      return done();
    }
    waitForWorker(admission, traffic, request, reply, done);
  });
  fastify.addHook('onSend', (request: AdmittedRequest, reply, payload, done) => {
    if (request[WORK]) {
      // What is streamed is made while it is sent.
      if (isStream(payload)) reply.raw.once('close', () => leaveWork(request));
      else leaveWork(request);
    }
    done();
  });
  fastify.addHook('onClose', (_instance, done) => {
    admission.close();
    done();
  });
}

/** From here the request only waits: its worker is free for another. Nothing where it has left already. */
export function leaveWork(request: FastifyRequest): void {
  const admitted = request as AdmittedRequest;
  const admission = admitted[WORK];
  if (!admission) return;
  admitted[WORK] = null;
  admission.leave(admitted.trafficClass ?? 'read', performance.now() - (admitted.sinceMs ?? 0));
}

/**
 * The request waits for a turn of another kind, and from then on it is that which bounds it: its worker is free for another. Nothing
 * where it has left already.
 */
export function stepAside(request: FastifyRequest): void {
  const admitted = request as AdmittedRequest;
  const admission = admitted[WORK];
  if (!admission) return;
  admitted[WORK] = null;
  admission.stepAside();
}

function begin(request: AdmittedRequest, admission: Admission, traffic: TrafficClass): void {
  request[WORK] = admission;
  request.trafficClass = traffic;
  request.sinceMs = performance.now();
}

function waitForWorker(
  admission: Admission,
  traffic: TrafficClass,
  request: AdmittedRequest,
  reply: FastifyReply,
  done: () => void,
): void {
  const giveUp = admission.wait(
    traffic,
    () => {
      reply.raw.off('close', giveUp);
      begin(request, admission, traffic);
      done();
    },
    () => {
      reply.raw.off('close', giveUp);
      shed(traffic, request, reply);
    },
  );
  // Nobody is there any more to be answered.
  reply.raw.once('close', giveUp);
}

function shed(traffic: TrafficClass, request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(
    new Problem('overloaded', { headers: { 'retry-after': RETRY_AFTER_S[traffic] }, isExpected: true }),
    request,
    reply,
  );
}

/** Probes, metrics and the documentation are answered always, and so is what is refused for its method. */
function isAdmitted(request: FastifyRequest): boolean {
  return request.routeOptions.url?.startsWith(API_PREFIX) === true && !refusesMethod(request);
}

function isStream(payload: unknown): payload is Readable {
  return typeof (payload as Partial<Readable> | null)?.pipe === 'function';
}
