import type { PoolClient } from 'pg';
import { sendStatement } from './send-statement.js';

/**
 * How the server comes by the plans of prepared statements: `kept`, made once for any values; `chosen`, whichever it takes for the
 * cheapest, which may be one made for just these; `either`, as the connection is at the time.
 */
export type Plans = 'kept' | 'chosen' | 'either';

const SAY = { name: 'database.say-plans', text: `select set_config('plan_cache_mode', $1, false)` } as const;

/** What each connection was told last. A new one does as the server's default is. */
const told = new WeakMap<PoolClient, Plans | 'unknown'>();

/** Whether the connection was told so last, or need not be. */
export function plansBy(client: PoolClient, plans: Plans): boolean {
  return plans === 'either' || (told.get(client) ?? 'chosen') === plans;
}

/**
 * Has the connection come by its plans so from now on. Sent ahead of whatever is sent next, without waiting; undefined where it does
 * so already, and nothing is sent. Where the promise rejects, so does what was sent behind it.
 */
export function planBy(client: PoolClient, plans: Plans): Promise<unknown> | undefined {
  if (plansBy(client, plans)) return undefined;
  told.set(client, plans);
  return sendStatement(client, SAY, [plans === 'kept' ? 'force_generic_plan' : 'auto']).catch((error: unknown) => {
    told.set(client, 'unknown');
    throw error;
  });
}
