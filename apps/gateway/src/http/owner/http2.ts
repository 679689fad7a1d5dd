import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import {
  ANSWER_BYTES_MAX,
  Unreachable,
  type OwnerAnswer,
  type OwnerRequest,
  type OwnerTransport,
} from './transport.js';

/** contracts.md: how long a connection that nobody uses is kept. */
const KEEP_ALIVE_MS = 60_000;
/** An owner that did not answer in time is asked whether its end of the connection is still there. */
const PING_MS = 1_000;

/**
 * HTTP/2 with prior knowledge: all reads go over one kept connection, side by side. One that breaks, is closed by its owner
 * or turns out to lead nowhere is replaced with the next read.
 */
export class Http2Transport implements OwnerTransport {
  private session: ClientHttp2Session | undefined;

  constructor(private readonly base: string) {}

  async send({ path, headers, body, signal }: OwnerRequest): Promise<OwnerAnswer> {
    const session = this.connection();
    const { pathname, search } = new URL(path, this.base);
    let stream: ClientHttp2Stream;
    try {
      const method = body === undefined ? 'GET' : 'POST';
      stream = session.request(
        { ...headers, ':method': method, ':path': pathname + search },
        { endStream: body === undefined },
      );
    } catch (error) {
      throw new Unreachable(error);
    }
    const stop = () => {
      stream.close(constants.NGHTTP2_CANCEL);
      probe(session);
    };
    signal.addEventListener('abort', stop, { once: true });
    if (body !== undefined) stream.end(body);
    return answerOf(stream).finally(() => signal.removeEventListener('abort', stop));
  }

  close(): void {
    this.session?.close();
    this.session = undefined;
  }

  private connection(): ClientHttp2Session {
    const { session } = this;
    if (session && !session.closed && !session.destroyed) return session;
    const made = connect(this.base, { settings: { enablePush: false } });
    const forget = () => {
      if (this.session === made) this.session = undefined;
    };
    // Each stream tells its own caller; the session's error is theirs once more.
    made.on('error', forget).on('close', forget).on('goaway', forget);
    made.setTimeout(KEEP_ALIVE_MS, () => made.close());
    this.session = made;
    return made;
  }
}

/** Ends a connection whose other end is gone: packets that vanish would make each read wait for its whole time. */
function probe(session: ClientHttp2Session): void {
  if (session.destroyed) return;
  if (session.connecting) return session.destroy();
  const silent = setTimeout(() => session.destroy(), PING_MS);
  session.ping(() => clearTimeout(silent));
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
