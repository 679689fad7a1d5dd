import type { FastifyRequest } from 'fastify';
import { isPreflight } from './cors.js';
import { formOf } from '../lists/other-forms.js';

/**
 * What goes first when not everything can be done at once: what settles money that is already moving, then what is asked for,
 * then what is looked at, then what is carried away.
 */
export const TRAFFIC_CLASSES = ['critical', 'write', 'read', 'export'] as const;
export type TrafficClass = (typeof TRAFFIC_CLASSES)[number];

/** How often somebody may ask is counted apart for each of these. */
export const RATE_POLICIES = ['anonymous', 'login', 'read', 'write', 'bulk', 'webhook_in'] as const;
export type RatePolicy = (typeof RATE_POLICIES)[number];

const READS: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD']);

interface Configured {
  readonly traffic?: TrafficClass;
  readonly bulk?: boolean;
  readonly signed?: boolean;
  readonly open?: boolean;
  readonly scope?: string;
}

/** The class of a request, by what its route says or else by its method. */
export function trafficOf(request: FastifyRequest): TrafficClass {
  const { traffic, signed } = configOf(request);
  if (traffic) return traffic;
  if (signed) return 'critical';
  if (!isRead(request)) return 'write';
  return formOf(request.headers.accept) === undefined ? 'read' : 'export';
}

/** The policy that counts a request. */
export function ratePolicyOf(request: FastifyRequest): RatePolicy {
  // By the address alone, as what it asks about is: whoever cannot ask beforehand cannot ask.
  if (isPreflight(request)) return READS.has(request.headers['access-control-request-method']) ? 'read' : 'write';
  const { bulk, signed, open, scope } = configOf(request);
  if (signed) return 'webhook_in';
  if (open) return 'login';
  if (scope === undefined) return 'anonymous';
  if (bulk) return 'bulk';
  return isRead(request) ? 'read' : 'write';
}

function configOf(request: FastifyRequest): Configured {
  return (request.routeOptions.config ?? {}) as unknown as Configured;
}

function isRead(request: FastifyRequest): boolean {
  return READS.has(request.method);
}
