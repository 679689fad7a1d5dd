import { hash, randomBytes } from 'node:crypto';

/** 256 random bits: no guess and no rainbow table can reach them, so the stored hash may be a fast one. */
const TOKEN_BYTES = 32;

/** What a token is for, as its first letters say: an access token, a refresh token, an invitation. */
export type TokenPrefix = 'at' | 'rt' | 'inv';

/** A token, seen by nobody but who is given it, and what is kept of it. */
export interface NewToken {
  readonly token: string;
  readonly hash: Buffer;
}

export function newToken(prefix: TokenPrefix): NewToken {
  const token = `${prefix}_${randomBytes(TOKEN_BYTES).toString('base64url')}`;
  return { token, hash: hashToken(token) };
}

export function hashToken(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}

/** JSON Schema pattern of a token. */
export function tokenPattern(prefix: TokenPrefix): string {
  return `^${prefix}_[A-Za-z0-9_-]{43}$`;
}
