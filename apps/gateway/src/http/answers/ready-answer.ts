import { createHash } from 'node:crypto';
import type { KeptResponse } from '../../cache/response.js';
import { keepCompressed } from '../compression/kept-bytes.js';

/** A kept answer as it goes out. */
export interface ReadyAnswer {
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
}

type KeptAnswer = Extract<KeptResponse, { readonly kind: 'answer' }>;

const ETAG_LENGTH = 22;
/** Beside the values that memory holds, and gone with them. */
const made = new WeakMap<KeptAnswer, ReadyAnswer>();

/** The bytes and the ETag of an answer: made the first time, and compressed once from the second time on. */
export function ready(answer: KeptAnswer): ReadyAnswer {
  const before = made.get(answer);
  if (before) {
    keepCompressed(before.bytes);
    return before;
  }
  const bytes = Buffer.from(answer.body);
  // What has a version is told by it, for If-Match names it; anything else by what it says.
  const etag = answer.headers['etag'] ?? `W/"${hashOf(bytes)}"`;
  const first = { etag, headers: answer.headers, bytes };
  made.set(answer, first);
  return first;
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64url').slice(0, ETAG_LENGTH);
}
