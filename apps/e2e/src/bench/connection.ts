import { connect, type Socket } from 'node:net';

const END_OF_HEAD = '\r\n\r\n';
const LENGTH = 'content-length: ';
/** What is made while it is sent has no length, says so in Node's own spelling, and ends with this. */
const CHUNKED = 'Transfer-Encoding: chunked';
const LAST_CHUNK = '\r\n0\r\n\r\n';
/** In Node's own spelling: the last answer on a connection, of which there are only so many. What is sent after it is refused. */
const LAST_ANSWER = '\r\nConnection: close\r\n';
const STATUS_AT = 'HTTP/1.1 '.length;

/** One kept-alive connection with one request on it at a time, and as little work per request as can be. */
export class Connection {
  private socket: Socket;
  private received = '';
  private closed = false;
  private onAnswer: ((status: number) => void) | undefined;

  constructor(
    private readonly port: number,
    private readonly onIdle: (connection: Connection) => void,
  ) {
    this.socket = this.open();
  }

  /** Sends a whole request; the callback gets its status, or 0 when the connection broke. */
  send(request: string, onAnswer: (status: number) => void): void {
    this.onAnswer = onAnswer;
    this.socket.write(request, 'latin1');
  }

  close(): void {
    this.closed = true;
    this.socket.destroy();
  }

  private open(): Socket {
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true });
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => this.receive(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => socket === this.socket && this.broken());
    return socket;
  }

  private receive(chunk: string): void {
    // A connection on which nothing was asked for is told 408 and closed in the end: that answers no request.
    if (!this.onAnswer) return;
    this.received = this.received === '' ? chunk : this.received + chunk;
    const head = this.received.indexOf(END_OF_HEAD);
    if (head < 0 || !this.isWhole(head)) return;
    const status = Number.parseInt(this.received.slice(STATUS_AT, STATUS_AT + 3), 10);
    const last = this.received.indexOf(LAST_ANSWER);
    this.received = '';
    if (last >= 0 && last < head) this.renew();
    this.end(status);
  }

  private isWhole(head: number): boolean {
    const at = this.received.indexOf(LENGTH);
    if (at >= 0 && at < head) {
      const length = Number.parseInt(this.received.slice(at + LENGTH.length, at + LENGTH.length + 10), 10);
      return this.received.length >= head + END_OF_HEAD.length + length;
    }
    const chunked = this.received.indexOf(CHUNKED);
    return chunked < 0 || chunked > head || this.received.endsWith(LAST_CHUNK);
  }

  private renew(): void {
    const old = this.socket;
    this.socket = this.open();
    old.destroy();
  }

  private broken(): void {
    this.received = '';
    if (this.closed) return;
    this.socket = this.open();
    if (this.onAnswer) this.end(0);
  }

  private end(status: number): void {
    const { onAnswer } = this;
    this.onAnswer = undefined;
    onAnswer?.(status);
    this.onIdle(this);
  }
}
