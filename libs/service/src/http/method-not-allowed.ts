import type { FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify';
import { Problem } from '../problem/problem.js';

/** Remembers the methods of each path, so that {@link refuseOtherMethods} can name them. Call before any route is made. */
export function rememberMethods(fastify: FastifyInstance): Map<string, Set<string>> {
  const methods = new Map<string, Set<string>>();
  fastify.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set();
    for (const one of [method].flat()) known.add(one);
    methods.set(url, known);
  });
  return methods;
}

/** A known path with another method answers 405 with Allow, not 404. Call when all routes are made. */
export function refuseOtherMethods(fastify: FastifyInstance, methods: ReadonlyMap<string, ReadonlySet<string>>): void {
  for (const [url, known] of [...methods].filter(([path]) => !path.includes('*'))) {
    const allow = [...known].sort().join(', ');
    fastify.route({
      url,
      method: fastify.supportedMethods.filter((method) => !known.has(method)) as HTTPMethods[],
      // Hooks that guard a path let these through: the refusal tells nothing that the documentation does not.
      config: { refusesMethod: true },
      // Before the body is read: what would be refused anyway is not worth receiving.
      onRequest: async () => {
        throw new Problem('method_not_allowed', { headers: { allow } });
      },
      handler: () => undefined,
    });
  }
}

/** True for a request whose method is about to be refused with 405. */
export function refusesMethod(request: FastifyRequest): boolean {
  return (request.routeOptions.config as { refusesMethod?: boolean } | undefined)?.refusesMethod === true;
}
