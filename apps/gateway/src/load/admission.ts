import { Problem, refusesMethod, sendProblem } from '@payflow/service';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { trafficOf, type TrafficClass } from '../http/edge/traffic.js';
import { Concurrency } from './concurrency.js';
import { Gate } from './gate.js';
import { countChange, countShed, observeWait, showLoad } from './load-metrics.js';
import { LoopDelay, type Lateness } from './loop-delay.js';

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

/** A request that was let past the door, with its class; and at work, since when. */
type AdmittedRequest = FastifyRequest & { [WORK]?: Admission | null; trafficClass?: TrafficClass; sinceMs?: number };

export interface AdmissionOptions {
  readonly MAX_WORKERS: number;
  readonly MAX_QUEUE_SIZE: number;
  /** This process's event loop, where it is not said otherwise. */
  readonly loop?: Lateness;
}

/** Which requests are worked on now, which wait, and which are told to come back. */
export class Admission {
  readonly #gate: Gate;
  readonly #concurrency: Concurrency;
  readonly #loop: Lateness;
  readonly #timer: NodeJS.Timeout;

  constructor({ MAX_WORKERS, MAX_QUEUE_SIZE, loop = new LoopDelay() }: AdmissionOptions) {
    this.#loop = loop;
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

  /** Whether nothing of the class is begun or kept waiting now: then one of it was sent away. */
  turnsAway(traffic: TrafficClass): boolean {
    const isBusy = this.#concurrency.isMany(this.#gate.running);
    if (isBusy && this.#loop.now_ms > LOOP_DELAY_MAX_MS[traffic]) {
      countShed(traffic, 'event_loop');
      return true;
    }
    return this.#gate.turnAway(traffic) !== undefined;
  }

  enter(traffic: TrafficClass): boolean {
    return this.#gate.enter(traffic);
  }

  wait(traffic: TrafficClass, begin: () => void, shed: () => void): (() => void) | undefined {
    return this.#gate.wait(traffic, begin, shed);
  }

  leave(traffic: TrafficClass, took_ms: number): void {
    this.#concurrency.note(traffic, took_ms);
    this.#gate.leave(traffic);
  }

  /** A worker is given back by one whose time says nothing of how long its class takes: it has waited for something else. */
  stepAside(traffic: TrafficClass): void {
    this.#gate.leave(traffic);
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
  }
}

/**
 * The door, before it is known who asks and before anything is received of a body: what there is no hope for is told so. It has
 * cost no more than its head, and no look at a cache, Redis or the database, which may be what is short.
 */
export function turnAwayAtDoor(fastify: FastifyInstance, admission: Admission): void {
  fastify.addHook('onRequest', (request: AdmittedRequest, reply, done) => {
    if (!isAdmitted(request)) return done();
    const traffic = trafficOf(request);
    if (admission.turnsAway(traffic)) return shed(traffic, request, reply);
    request.trafficClass = traffic;
    done();
  });
}

/** Lets requests in as there are workers for them, once they are there with their body: a client that sends slowly occupies none. */
export function admitRequests(fastify: FastifyInstance, admission: Admission): void {
  fastify.addHook('preHandler', (request: AdmittedRequest, reply, done) => {
    const traffic = request.trafficClass;
    if (!traffic) return done();
    if (admission.enter(traffic)) {
      begin(request, admission);
      return done();
    }
    waitForWorker(admission, traffic, request, reply, done);
  });
  fastify.addHook('onSend', (request: AdmittedRequest, reply, payload, done) => {
    if (request[WORK]) {
      // What is streamed is made while it is sent: to nobody, where the client has gone by then, and of that nothing would be heard.
      if (isStream(payload) && !reply.raw.closed) reply.raw.once('close', () => leaveWork(request));
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
 * The request waits for a turn of another kind, or for what another request reads, and from then on it is that which bounds it: its worker is free for another. Nothing
 * where it has left already.
 */
export function stepAside(request: FastifyRequest): void {
  const admitted = request as AdmittedRequest;
  const admission = admitted[WORK];
  if (!admission) return;
  admitted[WORK] = null;
  admission.stepAside(admitted.trafficClass ?? 'read');
}

function begin(request: AdmittedRequest, admission: Admission): void {
  request[WORK] = admission;
  request.sinceMs = performance.now();
}

function waitForWorker(
  admission: Admission,
  traffic: TrafficClass,
  request: AdmittedRequest,
  reply: FastifyReply,
  done: () => void,
): void {
  // Told at once where the room was taken while its body came: then there is no place to give up.
  let giveUp: (() => void) | undefined = undefined;
  const isTold = (): void => void (giveUp && reply.raw.off('close', giveUp));
  giveUp = admission.wait(
    traffic,
    () => {
      isTold();
      begin(request, admission);
      done();
    },
    () => {
      isTold();
      shed(traffic, request, reply);
    },
  );
  // Nobody is there any more to be answered.
  if (giveUp) reply.raw.once('close', giveUp);
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
