import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '@payflow/contracts';

/** The longest that the API takes. */
const WAIT_S = 10;
/** A house that has just started on a slow machine, and a payment that waits for somebody, are asked so often. */
const ASKED_MAX = 4;
const MS_PER_S = 1_000;

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/**
 * Posts and waits for what becomes of it, as a client should: what is not done yet (202), or was turned away (503), is asked for
 * again under its key. The last answer is given as it is.
 */
export async function post(url: string, apiKey: string, body: Record<string, unknown>): Promise<Answer> {
  const headers = {
    authorization: `Bearer ${apiKey}`,
    'content-type': 'application/json',
    'idempotency-key': newId('event'),
    prefer: `wait=${WAIT_S}`,
  };
  for (let asked = 1; ; asked++) {
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    const answer = { status: response.status, body: (await response.json()) as Record<string, unknown> };
    if (![202, 503].includes(answer.status) || asked === ASKED_MAX) return answer;
    await delay(Number(response.headers.get('retry-after')) * MS_PER_S);
  }
}
