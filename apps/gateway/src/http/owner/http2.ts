import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import {
  ANSWER_BYTES_MAX,
  Unreachable,
  type OwnerAnswer,
  type OwnerRequest,
  type OwnerTransport,
} from './transport.js';

/** To one owner, however much is asked of it. */
export const CONNECTIONS_MAX = 10;
/** So many reads side by side on one connection before another is made: a lost packet holds up all that share it. */
export const READS_PER_CONNECTION = 16;

/** Times of a way to an owner, ms. */
export interface TransportTimes {
  /** How long a connection that nobody uses is kept. */
  readonly keepAlive_ms: number;
  /** For a connection to be made. */
  readonly connect_ms: number;
  /** A read without an answer makes sure so often that the other end is still there: packets that vanish tell nobody. */
  readonly silence_ms: number;
  /** For the other end to say that it is. */
  readonly pong_ms: number;
}

const TIMES: TransportTimes = { keepAlive_ms: 60_000, connect_ms: 10_000, silence_ms: 2_000, pong_ms: 3_000 };

/** A connection and what goes over it. */
interface Connection {
  readonly session: ClientHttp2Session;
  reads: number;
}

/**
 * HTTP/2 with prior knowledge: reads go side by side over a few kept connections. One that breaks, is closed by its owner or
 * turns out to lead nowhere is replaced with the next read.
 */
export class Http2Transport implements OwnerTransport {
  readonly #connections = new Set<Connection>();

  constructor(
    private readonly base: string,
    private readonly times: TransportTimes = TIMES,
  ) {}

  async send({ path, headers, body, signal }: OwnerRequest): Promise<OwnerAnswer> {
    const connection = this.#connection();
    const { pathname, search } = new URL(path, this.base);
    let stream: ClientHttp2Stream;
    try {
      const method = body === undefined ? 'GET' : 'POST';
      stream = connection.session.request(
        { ...headers, ':method': method, ':path': pathname + search },
        { endStream: body === undefined },
      );
    } catch (error) {
      throw new Unreachable(error);
    }
    const stop = () => {
      stream.close(constants.NGHTTP2_CANCEL);
      this.#probe(connection.session);
    };
    signal.addEventListener('abort', stop, { once: true });
    if (body !== undefined) stream.end(body);
    connection.reads++;
    const watch = setInterval(() => this.#probe(connection.session), this.times.silence_ms);
    return answerOf(stream).finally(() => {
      connection.reads--;
      clearInterval(watch);
      signal.removeEventListener('abort', stop);
    });
  }

  close(): void {
    for (const { session } of this.#connections) session.close();
    this.#connections.clear();
  }

  /** The one with the least to do, or a new one where all that there are have enough. */
  #connection(): Connection {
    let best: Connection | undefined;
    for (const one of this.#connections)
      if (!one.session.closed && !one.session.destroyed && (!best || one.reads < best.reads)) best = one;
    if (best && (best.reads < READS_PER_CONNECTION || this.#connections.size >= CONNECTIONS_MAX)) return best;
    return this.#connect();
  }

  #connect(): Connection {
    const { keepAlive_ms, connect_ms } = this.times;
    const session = connect(this.base, { settings: { enablePush: false } });
    const made = { session, reads: 0 };
    const late = setTimeout(() => session.destroy(new Error('the connection was not made in time')), connect_ms);
    const forget = () => {
      clearTimeout(late);
      this.#connections.delete(made);
    };
    session.once('connect', () => clearTimeout(late));
    // Each stream tells its own caller; the session's error is theirs once more.
    session.on('error', forget).on('close', forget).on('goaway', forget);
    session.setTimeout(keepAlive_ms, () => session.close());
    this.#connections.add(made);
    return made;
  }

  /** Ends a connection whose other end is gone. */
  #probe(session: ClientHttp2Session): void {
    if (session.destroyed || session.connecting) return;
    const silent = setTimeout(() => session.destroy(), this.times.pong_ms);
    session.ping(() => clearTimeout(silent));
  }
}

function answerOf(stream: ClientHttp2Stream): Promise<OwnerAnswer> {
  return new Promise((resolve, reject) => {
    let head: Omit<OwnerAnswer, 'body'> | undefined;
    let announced: number | undefined;
    const chunks: Buffer[] = [];
    let bytes = 0;
    stream.on('response', (headers) => {
      head = { status: headers[':status'] ?? 0, retryAfter: headers['retry-after'] };
      announced = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
    });
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= ANSWER_BYTES_MAX) return void chunks.push(chunk);
      reject(new Error('the answer is too long'));
      stream.close(constants.NGHTTP2_CANCEL);
    });
    stream.on('error', (error) => reject(new Unreachable(error)));
    stream.on('close', () => {
      // A stream that its owner gives up ends like any other: only the length tells half an answer.
      const isWhole = stream.rstCode === constants.NGHTTP2_NO_ERROR && (announced ?? bytes) === bytes;
      if (head && isWhole) resolve({ ...head, body: Buffer.concat(chunks).toString() });
      else reject(new Unreachable(new Error(`the stream ended with ${stream.rstCode}, after ${bytes} bytes`)));
    });
  });
}
