import { hash } from 'node:crypto';

/** SHA-256 over method, concrete path with query, and body: what makes two requests the same one. */
export function fingerprint(method: string, url: string, body: Buffer): Buffer {
  // No URL holds a newline, so nothing in the first two can be taken for the body's beginning.
  return hash('sha256', Buffer.concat([Buffer.from(`${method}\n${url}\n`, 'latin1'), body]), 'buffer');
}
