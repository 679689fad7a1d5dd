import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  constants,
  createServer as createHttp2Server,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { FastifyHttpOptions } from 'fastify';

/** How a connection with HTTP/2 begins (RFC 9113, section 3.4); no method of HTTP/1.1 begins with it. */
const PREFACE = Buffer.from('PRI * HTTP/2.0');
/** Of one caller; the gateway has 64 reads under way at most. */
const STREAMS_MAX = 256;

interface Limits {
  readonly headerBytes_max: number;
  /** For the first bytes of a connection. */
  readonly firstBytes_ms: number;
  /** For a stream on which nothing moves. */
  readonly stream_ms: number;
  /** For a connection that nobody uses. */
  readonly idle_ms: number;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * A server that speaks HTTP/1.1 and, to whoever begins with its preface, HTTP/2 without TLS, on one port: probes and people
 * use the one, the gateway the other. Fastify closes it as it closes any server of HTTP/1.1.
 */
export function serveBothVersions(handler: Handler, options: FastifyHttpOptions<Server>, limits: Limits): Server {
  const http1 = createServer(options.http ?? {}, handler);
  http1.keepAliveTimeout = options.keepAliveTimeout ?? 0;
  http1.requestTimeout = options.requestTimeout ?? 0;
  const http2 = http2Server(handler, limits);
  const open = new OpenConnections(http2);
  const serveHttp1 = http1.listeners('connection') as ((socket: Socket) => void)[];
  http1.removeAllListeners('connection');
  http1.on('connection', (socket: Socket) => {
    open.undecided.add(socket);
    whenKnown(socket, limits.firstBytes_ms, (isHttp2) => {
      open.undecided.delete(socket);
      if (isHttp2) http2.emit('connection', socket);
      else for (const serve of serveHttp1) serve.call(http1, socket);
    });
    socket.once('close', () => open.undecided.delete(socket));
  });
  open.closeWith(http1);
  return http1;
}

function http2Server(handler: Handler, { headerBytes_max, stream_ms, idle_ms }: Limits): Http2Server {
  // The compatible request and response are what Fastify takes for those of HTTP/1.1 too.
  const server = createHttp2Server(
    { settings: { maxConcurrentStreams: STREAMS_MAX, maxHeaderListSize: headerBytes_max, enablePush: false } },
    handler as unknown as Parameters<typeof createHttp2Server>[1],
  );
  server.on('stream', (stream: ServerHttp2Stream) =>
    stream.setTimeout(stream_ms, () => stream.close(constants.NGHTTP2_CANCEL)),
  );
  server.on('session', (session) => session.setTimeout(idle_ms, () => session.close()));
  server.on('sessionError', () => undefined);
  return server;
}

/** Reads as much as tells the versions apart, puts it back, and says which it is. */
function whenKnown(socket: Socket, within_ms: number, known: (isHttp2: boolean) => void): void {
  const tooLate = setTimeout(() => socket.destroy(), within_ms);
  const giveUp = () => clearTimeout(tooLate);
  // Whoever is served by neither version yet has nobody else to hear of a broken connection.
  const onError = () => socket.destroy();
  let begun = Buffer.alloc(0);
  const look = () => {
    for (let chunk: Buffer | null; begun.length < PREFACE.length && (chunk = socket.read() as Buffer | null);)
      begun = Buffer.concat([begun, chunk]);
    const seen = begun.subarray(0, PREFACE.length);
    const isPreface = seen.equals(PREFACE.subarray(0, seen.length));
    if (isPreface && seen.length < PREFACE.length && !socket.readableEnded) return;
    giveUp();
    socket.off('readable', look).off('close', giveUp).off('error', onError);
    if (begun.length > 0) socket.unshift(begun);
    known(isPreface && seen.length === PREFACE.length);
  };
  socket.on('readable', look).on('close', giveUp).on('error', onError);
}

/** What a server of HTTP/1.1 does not know to be open, and closes with it all the same. */
class OpenConnections {
  readonly undecided = new Set<Socket>();
  private readonly sessions = new Set<ServerHttp2Session>();

  constructor(http2: Http2Server) {
    http2.on('session', (session) => {
      this.sessions.add(session);
      session.once('close', () => this.sessions.delete(session));
    });
  }

  closeWith(server: Server): void {
    const { closeIdleConnections, closeAllConnections } = server;
    server.closeIdleConnections = () => {
      closeIdleConnections.call(server);
      for (const socket of this.undecided) socket.destroy();
      // Says that it takes no more, and ends with the last stream.
      for (const session of this.sessions) session.close();
    };
    server.closeAllConnections = () => {
      closeAllConnections.call(server);
      for (const socket of this.undecided) socket.destroy();
      for (const session of this.sessions) session.destroy();
    };
  }
}
