import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2Server } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';

/** One request as it came in. */
export interface Heard {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

export interface PlayedProvider {
  readonly url: string;
  readonly heard: readonly Heard[];
  /** Connections that were made to it so far. */
  readonly connections: () => number;
  /** What the next requests get, until it is changed. */
  answers(reply: Reply): void;
  close(): Promise<void>;
}

export type Reply = (heard: Heard, response: ServerResponse) => void;

/** A real server on a port of its own, for what a well-behaved provider never says. */
export async function playProvider(reply: Reply, { http2 = false } = {}): Promise<PlayedProvider> {
  let current = reply;
  let connections = 0;
  const heard: Heard[] = [];
  const sockets = new Set<Socket>();
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const it = { method, path, headers, body: Buffer.concat(chunks).toString() };
      heard.push(it);
      current(it, response);
    });
  };
  const server: Server | Http2Server = http2 ? createHttp2Server(listener as never) : createServer(listener);
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    connections: () => connections,
    answers: (next) => void (current = next),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** An answer with a JSON body. */
export function json(status: number, body: unknown, headers: Record<string, string> = {}): Reply {
  return (_heard, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}
