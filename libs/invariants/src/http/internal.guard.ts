import { Inject, Injectable, SetMetadata, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Problem, signInternalToken, verifyInternalToken, type InternalClaims } from '@payflow/service';
import type { FastifyRequest } from 'fastify';

/** Injection token of the key that internal tokens are signed with. */
export const INTERNAL_SECRET = Symbol('internal-secret');

const SCOPE = 'payflow:scope';
/** What services ask each other for themselves, on nobody's behalf. */
const INTERNAL_SCOPE = 'internal:read';
const BEARER = 'Bearer ';

/** The scope that the caller's internal token must carry; without this mark it is the services' own. */
export const RequiresScope = (scope: string): MethodDecorator & ClassDecorator => SetMetadata(SCOPE, scope);

const CLAIMS = Symbol('claims');
type ClaimingRequest = FastifyRequest & { [CLAIMS]?: InternalClaims };

/** In whose name a request that has passed {@link InternalGuard} is made. */
export function claimsOf(request: FastifyRequest): InternalClaims {
  const claims = (request as ClaimingRequest)[CLAIMS];
  if (!claims) throw new Problem('unauthenticated');
  return claims;
}

/** Lets in who carries an internal token of ours with the route's scope. Tells others nothing more than 401 or 403. */
@Injectable()
export class InternalGuard implements CanActivate {
  constructor(@Inject(INTERNAL_SECRET) private readonly secret: string) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<ClaimingRequest>();
    const { authorization } = request.headers;
    const token = authorization?.startsWith(BEARER) ? authorization.slice(BEARER.length) : '';
    const claims = verifyInternalToken(this.secret, token, Date.now());
    if (!claims) throw new Problem('unauthenticated');
    if (!claims.scopes.includes(scopeOf(context))) throw new Problem('forbidden');
    request[CLAIMS] = claims;
    return true;
  }
}

function scopeOf(context: ExecutionContext): string {
  const marked = [context.getHandler(), context.getClass()].map(
    (target) => Reflect.getMetadata(SCOPE, target) as string | undefined,
  );
  return marked.find((scope) => scope !== undefined) ?? INTERNAL_SCOPE;
}

/** The headers of a service's own read of another's internal endpoints. */
export function internalHeaders(secret: string, service: string): Record<string, string> {
  const claims = { tenant: '', livemode: false, actor: `service/${service}`, scopes: [INTERNAL_SCOPE] };
  return { authorization: BEARER + signInternalToken(secret, claims, Date.now()) };
}
