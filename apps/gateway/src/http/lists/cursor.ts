import { createHmac, timingSafeEqual } from 'node:crypto';
import { Problem } from '@payflow/service';
import type { PagePosition } from '../../database/list-statement.js';

const MAC_BYTES = 16;
/** The place in an account's statement, which says how far each chain had come, is the longest: 300 characters of 350. */
const CURSOR_LENGTH_MAX = 512;

/**
 * Opaque page marks: the place, and a hash of the list it belongs to, signed, so that a client can neither make one nor
 * carry one over to other filters. `list` names owner, path and filters as one text.
 */
export class Cursors {
  readonly #key: Buffer;

  constructor(secret: string) {
    // A key of its own: what is signed for one purpose must never pass for another.
    this.#key = createHmac('sha256', secret).update('payflow/cursor/v1').digest();
  }

  encode(list: string, { createdAt, id }: PagePosition): string {
    const signed = Buffer.concat([this.#mac(list), Buffer.from(`${createdAt} ${id}`)]);
    return Buffer.concat([this.#mac(signed), signed]).toString('base64url');
  }

  /** The place a cursor marks. Throws `cursor_invalid` for what we did not make, `cursor_mismatch` for another list's. */
  decode(list: string, cursor: string): PagePosition {
    const bytes = Buffer.from(cursor.slice(0, CURSOR_LENGTH_MAX), 'base64url');
    const signed = bytes.subarray(MAC_BYTES);
    // Decoding forgives what is not base64url; the comparison with the canonical form does not.
    if (signed.length < MAC_BYTES || bytes.toString('base64url') !== cursor) throw new Problem('cursor_invalid');
    if (!timingSafeEqual(bytes.subarray(0, MAC_BYTES), this.#mac(signed))) throw new Problem('cursor_invalid');
    if (!timingSafeEqual(signed.subarray(0, MAC_BYTES), this.#mac(list))) throw new Problem('cursor_mismatch');
    const [createdAt = '', id = ''] = signed.subarray(MAC_BYTES).toString().split(' ');
    return { createdAt, id };
  }

  #mac(of: string | Buffer): Buffer {
    return createHmac('sha256', this.#key).update(of).digest().subarray(0, MAC_BYTES);
  }
}
