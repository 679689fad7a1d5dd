import { createHmac, timingSafeEqual } from 'node:crypto';

/** Who is behind a read that the gateway forwards. */
export interface InternalClaims {
  readonly tenant: string;
  readonly livemode: boolean;
  /** Id of the API key or user. */
  readonly actor: string;
  readonly scopes: readonly string[];
}

const LIFETIME_S = 60;
const HEADER = base64url(JSON.stringify({ alg: 'HS256', typ: 'JWT' }));
const ISSUER = 'payflow/gateway';

/** A JWT (HS256) that names tenant, actor and scopes for 60 s. `now`: milliseconds since the epoch. */
export function signInternalToken(secret: string, claims: InternalClaims, now: number): string {
  const issued = Math.floor(now / 1_000);
  const payload = base64url(JSON.stringify({ ...claims, iss: ISSUER, iat: issued, exp: issued + LIFETIME_S }));
  return `${HEADER}.${payload}.${signature(secret, `${HEADER}.${payload}`).toString('base64url')}`;
}

/** The claims of a token of ours that is still valid, or undefined: a wrong one gets no reason. `now`: milliseconds since the epoch. */
export function verifyInternalToken(secret: string, token: string, now: number): InternalClaims | undefined {
  const [header, payload, mac, ...rest] = token.split('.');
  // Comparing the header as text leaves an attacker no say in the algorithm.
  if (header !== HEADER || !payload || !mac || rest.length > 0) return undefined;
  const expected = signature(secret, `${header}.${payload}`);
  const given = Buffer.from(mac, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  const { tenant, livemode, actor, scopes, iss, exp } = JSON.parse(
    Buffer.from(payload, 'base64url').toString(),
  ) as InternalClaims & { iss: string; exp: number };
  return iss === ISSUER && exp * 1_000 > now ? { tenant, livemode, actor, scopes } : undefined;
}

function signature(secret: string, text: string): Buffer {
  return createHmac('sha256', secret).update(text).digest();
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
