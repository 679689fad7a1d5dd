import type { LayeredCache } from '@payflow/cache';
import { activeTraceId } from '@payflow/telemetry';
import { isConnectionLoss } from '@payflow/database';
import { Problem, refusesMethod, unavailable } from '@payflow/service';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { KeyUses } from '../../cache/key-uses.js';
import { hashApiKey, type ApiKey } from '../../database/api-key.repository.js';
import type { AccessToken } from '../../database/session.repository.js';
import { isAllowed } from './address-list.js';
import { API_VERSION } from '../../domain/api-version.js';
import { ROLE_SCOPES } from '../../domain/role.js';
import type { Scope } from '../../domain/scope.js';
import type { Watch } from '../../watch/watch.js';
import { booksOf, type TestSpaces } from '../../test-mode/books-of.js';
import { hashToken } from '../../identity/tokens.js';
import type { Caller } from './caller.js';
import type { TrafficClass } from './traffic.js';

/** Keys by the hex form of their hash: neither memory nor Redis ever holds a key itself. */
export type ApiKeys = LayeredCache<string, ApiKey>;

/** Users' access tokens, in the same way. */
export type AccessTokens = LayeredCache<string, AccessToken>;

/** Who is let in, and what is noted of it. */
export interface Door {
  readonly keys: ApiKeys;
  readonly spaces: TestSpaces;
  readonly tokens: AccessTokens;
  readonly uses: KeyUses;
  readonly watch: Watch;
}

const AUTHORIZATION = /^Bearer ((?:sk_(?:test|live)|at)_[A-Za-z0-9_-]{20,100})$/i;
const ACCESS_TOKEN = 'at_';
const API_PREFIX = '/api/';

/** RFC 6750 §3.1: a credential was sent, and is not good. */
const INVALID = 'Bearer error="invalid_token"';

const CALLER = Symbol('caller');
const REFUSAL = Symbol('refusal');
type AuthenticatedRequest = FastifyRequest & { [CALLER]?: Caller; [REFUSAL]?: Problem | undefined };

/** What `@RouteConfig` of a route under `/api` must say; a route that says nothing is closed to everybody. */
export type RouteAccess = (KeyedRoute | SignedRoute | OpenRoute) & {
  readonly traffic?: TrafficClass;
  /** Its answers show a secret, and so are never compressed. Needed on reads alone: no other write's answer is. */
  readonly secret?: true;
};

export interface KeyedRoute {
  /** The scope that is needed; `any` where every valid credential will do. */
  readonly scope: Scope | 'any';
  /** The body is a bulk: larger than others, JSON or NDJSON, and read by the route itself, piece by piece. */
  readonly bulk?: true;
  /** Nothing must be said in its body: without one, or with an empty one, it is as with `{}`. */
  readonly bodyOptional?: true;
}

/** No key: the route itself finds out by a signature over the body's exact bytes who sends it. */
export interface SignedRoute {
  readonly signed: true;
}

/** Nobody's: what gets a credential in the first place. Limited by address; a login, where it looks at a password, by its account as well. */
export interface OpenRoute {
  readonly open: true;
}

/** Lets nobody through to `/api` without a valid key or access token. Runs before the body is read. */
export function authenticate(fastify: FastifyInstance, door: () => Door): void {
  fastify.addHook('onRequest', async (request: AuthenticatedRequest) => {
    const route = request.routeOptions.url;
    if (!route?.startsWith(API_PREFIX) || refusesMethod(request) || isOpen(request)) return;
    const { refusal, ...admitted } = await admit(door(), request);
    const books = await whereFound(booksOf(door().spaces, admitted.organisation, admitted.livemode));
    request[CALLER] = { ...admitted, ...books, address: request.ip, traceId: activeTraceId() };
    request[REFUSAL] = refusal ?? refusalOf(request, admitted);
  });
}

/** Refuses who is known and may not: after they were counted, or a key without the scope could ask as often as it likes. */
export function authorize(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request: AuthenticatedRequest, _reply, done) => done(request[REFUSAL]));
}

function refusalOf({ routeOptions }: FastifyRequest, { kind, scopes }: Admitted): Problem | undefined {
  const { scope } = routeOptions.config as unknown as Partial<KeyedRoute>;
  if (scope === undefined) return new Problem('forbidden');
  if (scope === 'any' || scopes.includes(scope)) return undefined;
  return new Problem('forbidden', { detail: `The ${kind} needs the scope ${scope}.` });
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

/**
 * Whether a key is used from where it must not be: it may be in other hands, and whoever has it must neither use up its owner's limit
 * nor the networks that its owner is told of.
 */
export function isElsewhere(request: FastifyRequest): boolean {
  return (request as AuthenticatedRequest)[REFUSAL]?.code === 'address_not_allowed';
}

/** The caller of a request that has passed {@link authenticate}. */
export function callerOf(request: FastifyRequest): Caller {
  const caller = (request as AuthenticatedRequest)[CALLER];
  if (!caller) throw new Problem('unauthenticated');
  return caller;
}

/** Who it is, before it is known whose books they are led to; and why they are not let in, though it is known who they are. */
type Admitted = Omit<Caller, 'tenant' | 'ahead_ms' | 'address' | 'traceId'> & { readonly refusal?: Problem };

function admit(door: Door, request: FastifyRequest): Promise<Admitted> {
  const given = AUTHORIZATION.exec(request.headers.authorization ?? '')?.[1];
  if (given === undefined) throw withoutCredential(request.headers.authorization);
  return given.startsWith(ACCESS_TOKEN) ? byToken(door, given) : byKey(door, given, request.ip);
}

async function byKey({ keys, uses }: Door, given: string, address: string): Promise<Admitted> {
  const key = await whereFound(keys.get(hashApiKey(given).toString('hex')));
  // What is kept in memory may outlive the key.
  if (!key || (key.expiresAt !== null && key.expiresAt <= Date.now()))
    throw unauthenticated(INVALID, 'The API key is none of this installation, was revoked, or has run out.');
  const { id: actor, tenant: organisation, livemode, scopes, apiVersion } = key;
  const bounds = { allowedAddresses: key.allowedAddresses, expiresAt: key.expiresAt };
  const admitted = { livemode, organisation, actor, kind: 'key', scopes, bounds, apiVersion } as const;
  // In the organisation's request log: it is the one to know that somebody else has its key.
  if (!isAllowed(address, key.allowedAddresses)) return { ...admitted, refusal: new Problem('address_not_allowed') };
  uses.note(key);
  return admitted;
}

async function byToken({ tokens }: Door, given: string): Promise<Admitted> {
  const token = await whereFound(tokens.get(hashToken(given).toString('hex')));
  if (!token || token.expiresAt <= Date.now())
    throw unauthenticated(
      INVALID,
      'The access token has run out, or its session has ended: refresh it, or log in again.',
    );
  const { user: actor, organisation, livemode, role, session } = token;
  return { livemode, organisation, actor, kind: 'user', session, scopes: ROLE_SCOPES[role], apiVersion: API_VERSION };
}

function withoutCredential(header = ''): Problem {
  if (!/^bearer /i.test(header)) return unauthenticated('Bearer');
  return unauthenticated(
    INVALID,
    'That is neither an API key (`sk_test_…`, `sk_live_…`) nor an access token (`at_…`).',
  );
}

/** Which of the reasons it is, nobody is told: who guesses learns nothing from it. */
function unauthenticated(challenge: string, detail?: string): Problem {
  const headers = { 'www-authenticate': challenge };
  return new Problem('unauthenticated', { headers, ...(detail === undefined ? {} : { detail }) });
}

/** Without its database nobody can be let in, and that is no fault of theirs. */
async function whereFound<T>(looking: Promise<T>): Promise<T> {
  try {
    return await looking;
  } catch (error) {
    throw isConnectionLoss(error) ? unavailable(error) : error;
  }
}
