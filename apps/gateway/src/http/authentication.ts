import type { LayeredCache } from '@payflow/cache';
import { activeTraceId } from '@payflow/telemetry';
import { isConnectionLoss } from '@payflow/database';
import { Problem, refusesMethod, unavailable } from '@payflow/service';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { KeyUses } from '../cache/key-uses.js';
import { hashApiKey, type ApiKey } from '../database/api-key.repository.js';
import type { Scope } from '../domain/scope.js';
import type { Watch } from '../watch/watch.js';
import { booksOf, type TestSpaces } from '../test-mode/books-of.js';
import type { Caller } from './caller.js';
import type { TrafficClass } from './traffic.js';

/** Keys by the hex form of their hash: neither memory nor Redis ever holds a key itself. */
export type ApiKeys = LayeredCache<string, ApiKey>;

/** Who is let in, and what is noted of it. */
export interface Door {
  readonly keys: ApiKeys;
  readonly spaces: TestSpaces;
  readonly uses: KeyUses;
  readonly watch: Watch;
}

const AUTHORIZATION = /^Bearer (sk_(?:test|live)_[A-Za-z0-9_-]{20,100})$/i;
const API_PREFIX = '/api/';

const CALLER = Symbol('caller');
type AuthenticatedRequest = FastifyRequest & { [CALLER]?: Caller };

/** What `@RouteConfig` of a route under `/api` must say; a route that says nothing is closed to everybody. */
export type RouteAccess = (KeyedRoute | SignedRoute | OpenRoute) & {
  readonly traffic?: TrafficClass;
  /** Its answers show a secret, and so are never compressed. Needed on reads alone: no other write's answer is. */
  readonly secret?: true;
};

export interface KeyedRoute {
  /** The scope a key needs; `any` where every valid key will do. */
  readonly scope: Scope | 'any';
  /** The body is a bulk: larger than others, JSON or NDJSON, and read by the route itself, piece by piece. */
  readonly bulk?: true;
}

/** No key: the route itself finds out by a signature over the body's exact bytes who sends it. */
export interface SignedRoute {
  readonly signed: true;
}

/** Nobody's: what gets a credential in the first place. Limited by address, and by what it is asked for. */
export interface OpenRoute {
  readonly open: true;
}

/** Lets nobody through to `/api` without a valid key that has the route's scope. Runs before the body is read. */
export function authenticate(fastify: FastifyInstance, door: () => Door): void {
  fastify.addHook('onRequest', async (request: AuthenticatedRequest) => {
    const route = request.routeOptions.url;
    if (!route?.startsWith(API_PREFIX) || refusesMethod(request) || isOpen(request)) return;
    const { keys, spaces, uses } = door();
    const key = await findKey(keys, request.headers.authorization);
    uses.note(key);
    const { scope } = request.routeOptions.config as unknown as Partial<KeyedRoute>;
    if (scope === undefined) throw new Problem('forbidden');
    if (scope !== 'any' && !key.scopes.includes(scope))
      throw new Problem('forbidden', { detail: `The key needs the scope ${scope}.` });
    const { id: actor, tenant: organisation, livemode, scopes } = key;
    const books = await whereFound(booksOf(spaces, organisation, livemode));
    const address = request.ip;
    const traceId = activeTraceId();
    request[CALLER] = { ...books, livemode, organisation, actor, kind: 'key', scopes, address, traceId };
  });
}

/** Whether the route is for those who sign what they send. */
export function isSigned(request: FastifyRequest): boolean {
  return (request.routeOptions.config as unknown as Partial<SignedRoute> | undefined)?.signed === true;
}

/** Whether the route needs no credential, or has its own way to find out. */
function isOpen(request: FastifyRequest): boolean {
  return isSigned(request) || (request.routeOptions.config as unknown as Partial<OpenRoute> | undefined)?.open === true;
}

/** The caller of a request, as far as it is known who makes it. */
export function callerIfAny(request: FastifyRequest): Caller | undefined {
  return (request as AuthenticatedRequest)[CALLER];
}

/** The caller of a request that has passed {@link authenticate}. */
export function callerOf(request: FastifyRequest): Caller {
  const caller = (request as AuthenticatedRequest)[CALLER];
  if (!caller) throw new Problem('unauthenticated');
  return caller;
}

async function findKey(keys: ApiKeys, authorization: string | undefined): Promise<ApiKey> {
  const given = AUTHORIZATION.exec(authorization ?? '')?.[1];
  const key = given ? await lookUp(keys, hashApiKey(given).toString('hex')) : undefined;
  if (!key) throw new Problem('unauthenticated', { headers: { 'www-authenticate': 'Bearer' } });
  return key;
}

function lookUp(keys: ApiKeys, hash: string): Promise<ApiKey | undefined> {
  return whereFound(keys.get(hash));
}

/** Without its database nobody can be let in, and that is no fault of theirs. */
async function whereFound<T>(looking: Promise<T>): Promise<T> {
  try {
    return await looking;
  } catch (error) {
    throw isConnectionLoss(error) ? unavailable(error) : error;
  }
}
