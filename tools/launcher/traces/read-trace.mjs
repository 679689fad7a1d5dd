import { setTimeout as delay } from 'node:timers/promises';

import { servicesIn } from './jaeger-model.mjs';

const pollMs = 250;

/**
 * Reads a trace from Jaeger's query API (or the stand-in's), waiting until every service has delivered its spans. After
 * the deadline: what there is.
 * @param {string} ui @param {string} traceId @param {{ services: readonly string[], withinMs: number }} options
 * @returns {Promise<import('./jaeger-model.mjs').Trace | null>}
 */
export async function readTrace(ui, traceId, { services, withinMs }) {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const trace = await fetchTrace(ui, traceId);
    if (trace !== null && hasAll(trace, services)) return trace;
    if (Date.now() > deadline) return trace;
    await delay(pollMs);
  }
}

/** @param {import('./jaeger-model.mjs').Trace} trace @param {readonly string[]} services */
function hasAll(trace, services) {
  const present = [...servicesIn(trace)];
  return services.every((service) => present.some((name) => name.includes(service)));
}

/** @param {string} ui @param {string} traceId @returns {Promise<import('./jaeger-model.mjs').Trace | null>} */
async function fetchTrace(ui, traceId) {
  try {
    const answer = await fetch(`${ui.replace(/\/$/, '')}/api/traces/${traceId}`, {
      signal: AbortSignal.timeout(2_000),
    });
    if (!answer.ok) return null;
    const { data } = /** @type {{ data?: import('./jaeger-model.mjs').Trace[] }} */ (await answer.json());
    return data?.[0] ?? null;
  } catch {
    return null;
  }
}
