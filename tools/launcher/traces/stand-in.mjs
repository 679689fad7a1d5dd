import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { paths } from '../checkout.mjs';
import { serviceOf, tracesFromOtlp } from './jaeger-model.mjs';

// Under load the launcher must not fill up with spans: the newest are kept, and the first payment's, which came first.
const keptBytes = 32 * 1024 * 1024;
const keptFirstBytes = 2 * 1024 * 1024;
const longestBody = 16 * 1024 * 1024;
const usualLimit = 20;

/**
 * Stands in for Jaeger until it is built: takes OTLP over HTTP (JSON), answers the few queries our trace page asks, and
 * serves that page. What it took can be handed on.
 * @typedef {object} StandIn
 * @property {() => readonly Buffer[]} payloads
 * @property {() => Promise<void>} stop
 * @property {() => Promise<void>} resume  after a stop, with all that it took before
 */

/**
 * @param {{ otlpHttp: number, jaegerUi: number }} ports
 * @returns {Promise<StandIn>}
 */
export async function startStandIn({ otlpHttp, jaegerUi }) {
  const store = createStore();
  const open = () =>
    Promise.all([
      listen(otlpHttp, (request, answer) => receive(store, request, answer)),
      listen(jaegerUi, (request, answer) => answerQuery(store, request, answer)),
    ]);
  let servers = await open();
  return {
    payloads: store.payloads,
    stop: async () => {
      await Promise.all(servers.map(close));
    },
    resume: async () => {
      servers = await open();
    },
  };
}

function createStore() {
  /** @type {Buffer[]} */
  const first = [];
  /** @type {Buffer[]} */
  const recent = [];
  let firstBytes = 0;
  let recentBytes = 0;
  return {
    add: (/** @type {Buffer} */ payload) => {
      if (firstBytes < keptFirstBytes) {
        first.push(payload);
        firstBytes += payload.length;
        return;
      }
      recent.push(payload);
      recentBytes += payload.length;
      while (recentBytes > keptBytes) recentBytes -= recent.shift()?.length ?? 0;
    },
    payloads: () => [...first, ...recent],
    // Read only when somebody looks: parsing each as it comes would cost the launcher a core under load.
    traces: () => tracesFromOtlp([...first, ...recent].map((payload) => JSON.parse(payload.toString('utf8')))),
  };
}

/** @typedef {ReturnType<typeof createStore>} Store */
/** @typedef {import('node:http').IncomingMessage} Request */
/** @typedef {import('node:http').ServerResponse} Answer */

/** @param {number} port @param {(request: Request, answer: Answer) => unknown} handle @returns {Promise<import('node:http').Server>} */
function listen(port, handle) {
  return new Promise((resolve, reject) => {
    const server = createServer((request, answer) => {
      Promise.resolve(handle(request, answer)).catch((error) => send(answer, 400, { error: String(error) }));
    });
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

/** @param {import('node:http').Server} server */
function close(server) {
  return new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
}

/** @param {Store} store @param {Request} request @param {Answer} answer */
async function receive(store, request, answer) {
  if (request.method !== 'POST' || request.url !== '/v1/traces') return send(answer, 404, {});
  if (!String(request.headers['content-type']).startsWith('application/json')) {
    return send(answer, 415, { message: 'only JSON until Jaeger is built: OTEL_EXPORTER_OTLP_PROTOCOL=http/json' });
  }
  const body = await bodyOf(request);
  store.add(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body, { maxOutputLength: longestBody }) : body);
  send(answer, 200, { partialSuccess: {} });
}

/** @param {Request} request @returns {Promise<Buffer>} */
async function bodyOf(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > longestBody) throw new Error('too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** @param {Store} store @param {Request} request @param {Answer} answer */
function answerQuery(store, request, answer) {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  if (!pathname.startsWith('/api/')) return sendPage(answer);
  const traces = store.traces();
  if (pathname === '/api/services') return send(answer, 200, { data: serviceNames([...traces.values()]) });
  if (pathname === '/api/traces') return send(answer, 200, { data: search([...traces.values()], searchParams) });
  const trace = traces.get(pathname.slice('/api/traces/'.length).toLowerCase().padStart(32, '0'));
  if (trace === undefined) return send(answer, 404, { data: null, errors: [{ code: 404, msg: 'trace not found' }] });
  send(answer, 200, { data: [trace] });
}

/** @param {import('./jaeger-model.mjs').Trace[]} traces */
function serviceNames(traces) {
  return [...new Set(traces.flatMap((trace) => Object.keys(trace.processes)))].sort();
}

/** @param {import('./jaeger-model.mjs').Trace[]} traces @param {URLSearchParams} query */
function search(traces, query) {
  const service = query.get('service');
  const limit = Number(query.get('limit') ?? usualLimit);
  return traces
    .filter((trace) => service === null || trace.spans.some((span) => serviceOf(trace, span) === service))
    .slice(-limit)
    .reverse();
}

/** @param {Answer} answer */
function sendPage(answer) {
  const page = readFileSync(join(paths.root, 'deploy', 'jaeger', 'ui', 'index.html'));
  answer.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
}

/** @param {Answer} answer @param {number} status @param {unknown} body */
function send(answer, status, body) {
  answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
