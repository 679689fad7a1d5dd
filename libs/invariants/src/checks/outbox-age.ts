import { invariant, type Invariant } from '../invariant.js';

const INTERVAL_MS = 5_000;

/** I19: no outbox row is older than 5 s and unpublished. For every service with an outbox; the index holds only such rows. */
export function noOldOutboxRow(owner: string): Invariant {
  return invariant({
    name: 'I19',
    owner,
    interval_ms: INTERVAL_MS,
    running: `
      select 'outbox/' || id as id from outbox
      where published_at is null and created_at < clock_timestamp() - interval '5 seconds'
      order by outbox.id`,
  });
}
