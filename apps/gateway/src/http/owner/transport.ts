import { FORWARDED_PAGE_BYTES_MAX } from '@payflow/invariants';

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

/** Twice what an owner's page ends at, which may be longer by what a single line is, and by what stands around its lines. */
export const ANSWER_BYTES_MAX = 2 * FORWARDED_PAGE_BYTES_MAX;
