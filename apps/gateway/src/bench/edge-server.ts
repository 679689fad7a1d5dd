import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastify from 'fastify';

/**
 * One of the servers that `edge` compares, in a process of its own: what Node alone takes for a POST, what Fastify alone does, the
 * gateway's whole edge with an acceptance that keeps nothing (`edge`), and the gateway (`gateway`). Tells its port when it
 * listens, and its CPU time when asked.
 */
const ROLES = {
  node,
  fastify: rawFastify,
  edge: async () => (await import('./edge-gateway.js')).edge(),
  gateway: async () => (await import('./edge-gateway.js')).gateway(),
};
export type Role = keyof typeof ROLES;

export interface Told {
  readonly port?: number;
  readonly cpu_us?: number;
}

/** As much as the gateway answers with, made of what came in. */
function answerTo(body: object): object {
  return {
    id: 'pay_01kb000000e00800000000000z',
    object: 'payment',
    status: 'succeeded',
    amount_captured: '1999',
    amount_refunded: '0',
    failure: null,
    livemode: false,
    version: 3,
    trace_id: '0af7651916cd43dd8448eb211c80319c',
    created_at: '2026-11-26T00:00:00.000Z',
    updated_at: '2026-11-26T00:00:00.000Z',
    ...body,
  };
}

function node(): Promise<number> {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = JSON.stringify(answerTo(JSON.parse(Buffer.concat(chunks).toString()) as object));
      response.writeHead(201, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
      response.end(text);
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
}

async function rawFastify(): Promise<number> {
  const server = fastify();
  server.post('/api/v1/payments', (request, reply) => reply.status(201).send(answerTo(request.body as object)));
  await server.listen({ port: 0, host: '127.0.0.1' });
  return (server.server.address() as AddressInfo).port;
}

const role = process.argv[2] as Role;
const port = await ROLES[role]();
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpu_us: user + system } satisfies Told);
});
process.send?.({ port } satisfies Told);
