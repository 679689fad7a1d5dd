import { connect, type Socket } from 'node:net';
import type { Requests } from './asked.js';

const INTERVAL_MS = 1_000;
const PROMISED_BYTES = 1_000;
const HEAD = 'GET /api/v1/payments HTTP/1.1\r\nHost: slow\r\n';
/** A client that sends in bits: a head that does not end, a body that does not come, and one that says nothing at all. */
const WAYS = ['head', 'body', 'silence'] as const;

/** Sockets that hold on to the gateway, and take the place of each that it closes. */
export class SlowSockets {
  /** How often the gateway has closed one. */
  closed = 0;
  private readonly sockets = new Set<Socket>();
  private readonly timer: NodeJS.Timeout;
  private isOver = false;

  constructor(
    private readonly port: number,
    private readonly requests: Requests,
    count: number,
  ) {
    for (let at = 0; at < count; at++) this.open(WAYS[at % WAYS.length] ?? 'head');
    this.timer = setInterval(() => this.trickle(), INTERVAL_MS);
  }

  end(): void {
    this.isOver = true;
    clearInterval(this.timer);
    for (const socket of this.sockets) socket.destroy();
  }

  private open(way: (typeof WAYS)[number]): void {
    const socket = connect(this.port, '127.0.0.1');
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    // Whatever it is told, it goes on.
    socket.resume();
    socket.once('connect', () => {
      if (way === 'head') socket.write(HEAD);
      if (way === 'body') socket.write(this.requests.promising(PROMISED_BYTES));
    });
    socket.once('close', () => {
      this.sockets.delete(socket);
      if (this.isOver) return;
      this.closed++;
      this.open(way);
    });
    (socket as Socket & { way?: string }).way = way;
  }

  private trickle(): void {
    for (const socket of this.sockets) {
      const { way } = socket as Socket & { way?: string };
      if (way === 'head') socket.write('a: b\r\n');
      if (way === 'body') socket.write(' ');
    }
  }
}
