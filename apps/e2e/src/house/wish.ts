import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '@payflow/contracts';
import { jsonOf, type ApiClient, type Reply } from './api-client.js';
import { describe } from './merchant.js';

/** The last word on something asked of the API. */
export interface Answered {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

const WAIT_S = 5;
const PATIENCE_MS = 120_000;
const PAUSE_MS = 100;
/** Not now: the same request may succeed later. */
const LATER = [429, 503];

interface Asking {
  readonly patience_ms?: number;
  /** The ETag that what it is asked of must still have. */
  readonly ifMatch?: string | undefined;
}

/** Asks, again and again under one key as a careful client does, until there is a last word. Throws at the end of its patience. */
export async function untilAnswered(
  api: ApiClient,
  path: string,
  body: object,
  { patience_ms = PATIENCE_MS, ifMatch }: Asking = {},
): Promise<Answered> {
  const headers = ifMatch === undefined ? {} : { 'if-match': ifMatch };
  const options = { body: JSON.stringify(body), idempotencyKey: newId('event'), wait_s: WAIT_S, headers };
  const end = performance.now() + patience_ms;
  for (;;) {
    const reply = await api.call(path, options);
    if (isLast(reply)) return { status: reply.status, body: jsonOf(reply) };
    if (performance.now() > end) throw new Error(`${path} has no end yet; last: ${describe(reply)}`);
    await delay(PAUSE_MS);
  }
}

function isLast(reply: Reply): reply is Extract<Reply, { kind: 'answer' }> {
  if (reply.kind === 'unknown' || reply.status === 202 || LATER.includes(reply.status)) return false;
  return reply.status < 400 || jsonOf<{ retryable?: boolean }>(reply).retryable !== true;
}
