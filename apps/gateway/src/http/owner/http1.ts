import {
  ANSWER_BYTES_MAX,
  Unreachable,
  type OwnerAnswer,
  type OwnerRequest,
  type OwnerTransport,
} from './transport.js';

/** Codes of undici and of the system for a connection that could not be made or did not hold. */
const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** HTTP/1.1 by fetch, with its pool of kept connections. */
export class Http1Transport implements OwnerTransport {
  constructor(private readonly base: string) {}

  async send({ path, headers, body, signal }: OwnerRequest): Promise<OwnerAnswer> {
    try {
      const answer = await fetch(new URL(path, this.base), {
        headers,
        ...(body === undefined ? {} : { method: 'POST', body }),
        redirect: 'error',
        signal,
      });
      return {
        status: answer.status,
        retryAfter: answer.headers.get('retry-after') ?? undefined,
        body: await textOf(answer),
      };
    } catch (error) {
      throw isConnectionFailure(error) ? new Unreachable(error) : error;
    }
  }

  /** The connections are the process's, and end with it. */
  close(): void {}
}

async function textOf(answer: Response): Promise<string> {
  const text = await answer.text();
  if (text.length > ANSWER_BYTES_MAX) throw new Error('the answer is too long');
  return text;
}

/** fetch hides the reason in its cause. */
function isConnectionFailure(error: unknown): boolean {
  const code = (error as { cause?: { code?: unknown } }).cause?.code;
  return typeof code === 'string' && CONNECTION_CODES.has(code);
}
