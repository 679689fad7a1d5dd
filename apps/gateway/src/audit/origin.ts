import { activeTraceId } from '@payflow/telemetry';
import type { FastifyRequest } from 'fastify';
import type { AuditOrigin } from '../domain/audit.js';
import type { Caller } from '../http/edge/caller.js';
import { OPERATIONS } from '../http/openapi/operations.js';
import type { Doorstep } from './login-entries.js';

/** Operations by method and route, as the router names both. */
const IDS: ReadonlyMap<string, string> = new Map(
  OPERATIONS.map(({ method, path, id }) => [`${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`, id]),
);

/** Where a change comes from, as the audit log names it. */
export function originOf(request: FastifyRequest, caller: Caller): AuditOrigin {
  const { organisation, livemode, actor, kind, address, traceId } = caller;
  return { organisation, livemode, actor, kind, address, traceId, requestId: request.id, operation: named(request) };
}

/** Where a request comes from that has no credential yet; in the mode that it asks for. */
export function doorstepOf(request: FastifyRequest, livemode: boolean): Doorstep {
  const [address, traceId] = [request.ip, activeTraceId()];
  return { livemode, address, traceId, requestId: request.id, operation: named(request) };
}

function named({ method, routeOptions }: FastifyRequest): string {
  const route = `${method.toLowerCase()} ${routeOptions.url}`;
  return IDS.get(route) ?? route;
}
