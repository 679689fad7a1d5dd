import type { FastifyRequest } from 'fastify';
import type { AuditOrigin } from '../domain/audit.js';
import type { Caller } from '../http/caller.js';
import { OPERATIONS } from '../http/openapi/operations.js';

/** Operations by method and route, as the router names both. */
const IDS: ReadonlyMap<string, string> = new Map(
  OPERATIONS.map(({ method, path, id }) => [`${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`, id]),
);

/** Where a change comes from, as the audit log names it. */
export function originOf(request: FastifyRequest, caller: Caller): AuditOrigin {
  const { organisation, livemode, actor, kind, address, traceId } = caller;
  const route = `${request.method.toLowerCase()} ${request.routeOptions.url}`;
  const operation = IDS.get(route) ?? route;
  return { organisation, livemode, actor, kind, address, traceId, requestId: request.id, operation };
}
