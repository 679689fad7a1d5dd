import { randomUUID } from 'node:crypto';

/** An id of ours for a request whose caller gave it none that may be kept. */
export function newRequestId(): string {
  return `req_${randomUUID()}`;
}
