import { Agent, request, type IncomingHttpHeaders } from 'node:http';

/** What a request taught its caller. A time-out, a broken connection or a 5xx teaches nothing: the write may be durable or not. */
export type Reply =
  | { readonly kind: 'answer'; readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer }
  | { readonly kind: 'unknown'; readonly why: string; readonly status: number; readonly headers: IncomingHttpHeaders };

export interface CallOptions {
  readonly method?: string;
  readonly idempotencyKey?: string;
  readonly body?: string;
  /** `Prefer: wait=`, seconds. */
  readonly wait_s?: number;
  readonly timeout_ms?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const TIMEOUT_MS = 15_000;
const SOCKETS_MAX = 512;

/** A client as a careful merchant would write one: kept-alive connections, an Idempotency-Key per intent. */
export class ApiClient {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });

  constructor(
    readonly base: string,
    private readonly apiKey: string,
  ) {}

  call(path: string, options: CallOptions = {}): Promise<Reply> {
    const { method = options.body === undefined ? 'GET' : 'POST', body, timeout_ms = TIMEOUT_MS } = options;
    return new Promise((resolve) => {
      const unknown = (why: string, status = 0, headers: IncomingHttpHeaders = {}) =>
        resolve({ kind: 'unknown', why, status, headers });
      const outgoing = request(
        this.base + path,
        { method, agent: this.agent, headers: this.headers(options), signal: AbortSignal.timeout(timeout_ms) },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('error', (error) => unknown(error.message));
          incoming.on('end', () => {
            const { statusCode: status = 0, headers } = incoming;
            if (status >= 500) unknown(`${status} ${Buffer.concat(chunks).toString()}`, status, headers);
            else resolve({ kind: 'answer', status, headers, body: Buffer.concat(chunks) });
          });
        },
      );
      outgoing.on('error', (error) => unknown(error.message));
      outgoing.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }

  private headers({ idempotencyKey, body, wait_s, headers }: CallOptions): Record<string, string> {
    return {
      authorization: `Bearer ${this.apiKey}`,
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      ...(wait_s === undefined ? {} : { prefer: `wait=${wait_s}` }),
      ...headers,
    };
  }
}

/** The answer's JSON. */
export function jsonOf<T = Record<string, unknown>>(reply: Reply): T {
  if (reply.kind === 'unknown') throw new Error(`no answer: ${reply.why}`);
  return JSON.parse(reply.body.toString('utf8')) as T;
}
