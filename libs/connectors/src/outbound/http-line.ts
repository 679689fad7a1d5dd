import { currentTraceparent } from '@payflow/telemetry';
import type { Pool, buildConnector } from 'undici';
import { NotSent } from './call-failures.js';
import { HttpExchange, type HttpAnswer } from './http-exchange.js';
import type { Try } from './outbound.js';

export interface HttpLineOptions {
  /** `https://api.example.com/`; what follows the host comes before every path. */
  readonly base: string;
  readonly connections: number;
  /** HTTP/2: by ALPN over TLS, by prior knowledge without. */
  readonly isHttp2: boolean;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** From the base on, beginning with a slash; with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Connections that are open, those of them that are idle, and requests that wait for one. */
export interface LineState {
  readonly open: number;
  readonly idle: number;
  readonly queued: number;
}

/** Over ten connections as many as a provider of ours is ever asked at one time. */
export const STREAMS_PER_CONNECTION = 10;
const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 60_000;
/** Whoever closes has seen its calls end; a provider that is silent just then does not hold the process. */
const CLOSE_MS = 1_000;

/** The connections to one provider's host. */
export class HttpLine {
  readonly #opening: Promise<Pool>;
  #pool: Pool | undefined;
  #closing: Promise<void> | undefined;
  readonly #prefix: string;

  constructor(options: HttpLineOptions) {
    this.#prefix = new URL(options.base).pathname.replace(/\/+$/, '');
    this.#opening = openPool(options);
    this.#opening.then(
      (pool) => (this.#pool = pool),
      () => undefined,
    );
  }

  /** The whole answer, whatever its status. Throws {@link NotSent} where nothing was sent and `Lost` where something was. */
  async send({ method, path, headers, body = '' }: HttpRequest, { signal, onBegin }: Try): Promise<HttpAnswer> {
    const pool = await this.#opening;
    if (signal.aborted) throw new NotSent('no_connection_in_time');
    const exchange = new HttpExchange(signal, onBegin);
    const traceparent = currentTraceparent();
    pool.dispatch(
      {
        method,
        path: `${this.#prefix}${path}`,
        headers: traceparent ? { ...headers, traceparent } : headers,
        body: body === '' ? null : body,
      },
      exchange,
    );
    return exchange.answer;
  }

  get state(): LineState {
    const { connected = 0, free = 0, queued = 0 } = this.#pool?.stats ?? {};
    return { open: connected, idle: free, queued };
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#end());
  }

  async #end(): Promise<void> {
    const pool = await this.#opening;
    const timer = setTimeout(() => void pool.destroy(), CLOSE_MS);
    await pool.close().finally(() => clearTimeout(timer));
  }
}

/** How the connections to a provider are made and kept. */
export function poolOptions({ base, connections, isHttp2 }: HttpLineOptions) {
  const version = isHttp2 ? { allowH2: true, preferH2: true } : { allowH2: false };
  const withoutTls = isHttp2 && new URL(base).protocol === 'http:' ? { useH2c: true } : {};
  return {
    connections,
    pipelining: isHttp2 ? STREAMS_PER_CONNECTION : 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    // The whole call has its limit: these would only blur whose time was over.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: CONNECT_TIMEOUT_MS, ...version, ...withoutTls },
    ...version,
    ...(isHttp2 ? { h2Options: { maxConcurrentStreams: STREAMS_PER_CONNECTION, ...withoutTls } } : {}),
  };
}

/** Loads the library only where a provider is called: the gateway reads webhooks and calls none. */
async function openPool(options: HttpLineOptions): Promise<Pool> {
  const undici = await import('undici');
  const { connect, ...rest } = poolOptions(options);
  return new undici.Pool(new URL(options.base).origin, {
    ...rest,
    connect: undici.buildConnector(connect as buildConnector.BuildOptions),
  });
}
