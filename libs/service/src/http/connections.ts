import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { METRICS } from '@payflow/contracts';
import { counter, gauge } from '@payflow/telemetry';

/** How often it is looked which clients take their answers. */
const LOOK_INTERVAL_MS = 2_000;
/**
 * A client that has an answer waiting for so long and has not taken so much of it by then, is not reading. A kernel may tell of room
 * a megabyte at a time, so that one which reads 50 kB a second seems to stand still for half a minute.
 */
const READ_WITHIN_MS = 60_000;
const READ_BYTES_MIN = 20 * 1_024;

const ended = counter(
  METRICS.httpConnectionsEnded,
  'Connections that were ended for what their client did, by reason.',
  ['reason'] as const,
);

interface Watched {
  /** Since when it has something to take, and what it had taken by then; undefined while it has taken everything. */
  behind: { readonly since_ms: number; readonly bytesTaken: number } | undefined;
}

export interface AddressLimit {
  readonly connections_max: number;
  /** Whom an address counts for; undefined where it stands for many, as a proxy's does, and is not counted. */
  readonly subjectOf: (address: string) => string | undefined;
}

export interface ConnectionLimits {
  /** At one time; one more is closed as it comes. */
  readonly connections_max: number;
  /** From one address; one more is closed as it comes. */
  readonly perAddress?: AddressLimit;
  readonly clock?: () => number;
}

/**
 * Keeps clients from holding what they do not use: so many connections, in all and of one address, and none on which an answer is not taken. How long a head,
 * a body and silence may last is told to Node itself, in the server's options. Returns what looks after who reads, which is done
 * every two seconds.
 */
export function limitConnections(server: Server, { connections_max, perAddress, clock }: ConnectionLimits): () => void {
  const now_ms = clock ?? (() => performance.now());
  const open = new Set<Socket>();
  const written = new Map<Socket, Watched>();
  server.maxConnections = connections_max;
  if (perAddress) limitPerAddress(server, perAddress);
  // As they are limited: under TLS from before the handshake on, and each once.
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  // Under TLS it is another socket that is written to.
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    written.set(socket, { behind: undefined });
    socket.once('close', () => written.delete(socket));
  });
  server.on('drop', () => ended.inc({ reason: 'too_many' }));
  const look = (): void => {
    for (const [socket, watched] of written) if (isIdleReader(socket, watched, now_ms())) end(socket);
  };
  const timer = setInterval(look, LOOK_INTERVAL_MS).unref();
  server.once('close', () => clearInterval(timer));
  gauge(METRICS.httpConnections, 'Connections of clients.', ['state'] as const, (metric) => {
    metric.set({ state: 'open' }, open.size);
    metric.set({ state: 'max' }, connections_max);
  });
  return look;
}

/** Before TLS is spoken: what is closed as it comes costs no handshake. */
function limitPerAddress(server: Server, { connections_max, subjectOf }: AddressLimit): void {
  const counts = new Map<string, number>();
  server.prependListener('connection', (socket: Socket) => {
    // One that has gone already has no address.
    const subject = socket.remoteAddress === undefined ? undefined : subjectOf(socket.remoteAddress);
    if (subject === undefined) return;
    const count = counts.get(subject) ?? 0;
    if (count >= connections_max) {
      ended.inc({ reason: 'too_many_of_address' });
      socket.destroy();
      return;
    }
    counts.set(subject, count + 1);
    socket.once('close', () => {
      const left = (counts.get(subject) ?? 1) - 1;
      if (left === 0) counts.delete(subject);
      else counts.set(subject, left);
    });
  });
}

function isIdleReader(socket: Socket, watched: Watched, now_ms: number): boolean {
  if (socket.writableLength === 0) {
    watched.behind = undefined;
    return false;
  }
  const bytesTaken = takenFrom(socket);
  watched.behind ??= { since_ms: now_ms, bytesTaken };
  if (now_ms - watched.behind.since_ms < READ_WITHIN_MS) return false;
  if (bytesTaken - watched.behind.bytesTaken < READ_BYTES_MIN) return true;
  watched.behind = { since_ms: now_ms, bytesTaken };
  return false;
}

/**
 * What the kernel has taken. Node's own time-out for silence looks at the same two: from what is public, one large write that is half
 * taken looks like one of which nothing is.
 */
function takenFrom(socket: Socket): number {
  const { _bytesDispatched: dispatched = socket.bytesWritten, _handle: handle } = socket as unknown as {
    readonly _bytesDispatched?: number;
    readonly _handle?: { readonly writeQueueSize?: number } | null;
  };
  return dispatched - (handle?.writeQueueSize ?? socket.writableLength);
}

function end(socket: Socket): void {
  ended.inc({ reason: 'not_reading' });
  socket.destroy();
}
