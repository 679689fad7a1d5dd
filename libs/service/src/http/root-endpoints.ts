import { renderMetrics } from '@payflow/telemetry';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Health } from '../health.js';
import { sendProblem } from '../problem/problem.filter.js';

/** Made before Nest sets its error handler, so they name theirs. */
const probe = { config: { untraced: true }, errorHandler: sendProblem };

/** The endpoints at the root of every service: `/health` and `/readyz` (the checks), `/livez`, `/startupz`, `/metrics`. */
export function rootEndpoints(fastify: FastifyInstance, health: Health): void {
  const ready = async (_request: unknown, reply: FastifyReply) => {
    const report = await health.report();
    const serving = report.status === 'ready' || report.status === 'degraded';
    return reply
      .status(serving ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(report);
  };
  fastify.get('/health', probe, ready);
  fastify.get('/readyz', probe, ready);
  fastify.get('/livez', probe, (_request, reply) => reply.send({ status: 'alive' }));
  fastify.get('/startupz', probe, (_request, reply) =>
    reply.status(health.started ? 200 : 503).send({ status: health.started ? 'started' : 'starting' }),
  );
  fastify.get('/metrics', probe, async (_request, reply) => {
    const { contentType, body } = await renderMetrics();
    return reply.header('content-type', contentType).send(body);
  });
}
