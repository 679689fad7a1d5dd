/** One question to the owner of a resource, as it goes over the wire. */
export interface OwnerRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; with one it is a POST. */
  readonly body: string | undefined;
  readonly signal: AbortSignal;
}

export interface OwnerAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

/** A way to one owner. Throws {@link Unreachable} when the connection fails, anything else for an answer that is none. */
export interface OwnerTransport {
  send(request: OwnerRequest): Promise<OwnerAnswer>;
  close(): void;
}

/** The way to the owner failed, before or in the middle of its answer. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super('the connection to the owner failed', { cause });
    this.name = 'Unreachable';
  }
}

/** A page of the longest list fits several times. */
export const ANSWER_BYTES_MAX = 1024 * 1024;
