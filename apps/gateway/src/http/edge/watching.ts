import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { callerIfAny, isElsewhere, type Door } from './authentication.js';
import { isPreflight } from './cors.js';
import { ratePolicyOf } from './traffic.js';
import type { RateVerdict } from '../../watch/rates.js';
import type { Visitor } from '../../watch/watch.js';

const VISIT = Symbol('visit');

interface Visit {
  readonly visitor: Visitor;
  readonly verdict: RateVerdict;
}

type VisitingRequest = FastifyRequest & { [VISIT]?: Visit };
type Done = (error?: Error) => void;

/**
 * Before anything else is done for a request: finds out where it comes from, and refuses it where that address is blocked or asks
 * too often. `request.ip` is the client's address from here on. Probes are nobody's.
 */
export function admitAddresses(fastify: FastifyInstance, door: () => Door): void {
  fastify.addHook('onRequest', (request: VisitingRequest, reply: FastifyReply, done: Done) => {
    if (isProbe(request)) return done();
    const { watch } = door();
    try {
      const visitor = watch.visitorOf(request);
      if (visitor.address !== request.ip) Object.defineProperty(request, 'ip', { value: visitor.address });
      const verdict = watch.admitAddress(visitor, ratePolicyOf(request));
      request[VISIT] = { visitor, verdict };
      // A browser keeps the refusal of a question beforehand from its page, which would learn nothing: what it asks about is refused.
      answerWith(reply, isPreflight(request) ? { ...verdict, refusal: undefined } : verdict, done);
    } catch (error) {
      done(isPreflight(request) ? undefined : (error as Error));
    }
  });
}

/** Once it is known who asks: refuses where the credential is blocked or asks too often. */
export function admitCallers(fastify: FastifyInstance, door: () => Door): void {
  fastify.addHook('onRequest', (request: VisitingRequest, reply: FastifyReply, done: Done) => {
    const [visit, caller] = [request[VISIT], callerIfAny(request)];
    if (!visit || !caller || isElsewhere(request)) return done();
    try {
      const verdict = door().watch.admitCaller(visit.visitor, caller, ratePolicyOf(request), visit.verdict);
      if (verdict) answerWith(reply, verdict, done);
      else done();
    } catch (error) {
      done(error as Error);
    }
  });
}

/** Notes every answer: what was tried in vain, and the request in the log. What browsers ask beforehand asks for nothing. */
export function noteAnswers(fastify: FastifyInstance, door: () => Door): void {
  fastify.addHook('onResponse', (request: VisitingRequest, reply: FastifyReply, done: Done) => {
    if (!isProbe(request) && !isPreflight(request)) {
      const { watch } = door();
      const visitor = request[VISIT]?.visitor ?? watch.visitorOf(request);
      watch.noteAnswer(request, reply, visitor, callerIfAny(request));
    }
    done();
  });
}

function answerWith(reply: FastifyReply, { headers, refusal }: RateVerdict, done: Done): void {
  void reply.headers(headers);
  done(refusal);
}

function isProbe(request: FastifyRequest): boolean {
  return (request.routeOptions.config as { untraced?: boolean } | undefined)?.untraced === true;
}
