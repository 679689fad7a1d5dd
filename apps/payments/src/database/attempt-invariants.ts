import { invariant, type SecretSource, type SecretTable } from '@payflow/invariants';

/** The sweeper puts what was lost into the queue after 30 s, every 5 s; a minute more is late by any measure. */
const FORGOTTEN = '90 seconds';

/**
 * What was asked of a provider and has not ended is in the queue, where it will run, or waits for a human. A dead job is none
 * that will run: it offends until an operator has driven it again.
 */
export const noAttemptIsForgotten = invariant({
  name: 'I36',
  owner: 'payments',
  running: `
    select 'attempts/' || a.id || ' is ' || a.status || ' and in no queue' as id
    from attempts a
    where a.status in ('created', 'sending', 'unknown') and not a.needs_attention
      and a.updated_at < clock_timestamp() - interval '${FORGOTTEN}'
      and not exists (select from graphile_worker._private_jobs j
        where j.attempts < j.max_attempts and j.key = case a.status when 'unknown' then 'inquire/' else 'ask/' end || a.id)`,
});

const JOBS = `select 'jobs/' || id as id, concat_ws(' ', payload::text, last_error) as content from graphile_worker._private_jobs`;

/** Where the words of providers, and those that they are told, could bring a secret to. */
export const ATTEMPT_TEXTS: readonly (SecretSource | SecretTable)[] = [
  // What is recent is not found without reading all: that is for whoever has the time.
  {
    table: 'attempts',
    id: `'attempts/' || id`,
    content: `concat_ws(' ', request::text, routing::text, provider_reference, url)`,
  },
  {
    table: 'provider_evidence',
    id: `'provider_evidence/' || id`,
    content: `concat_ws(' ', content::text, provider_reference)`,
  },
  { running: `(${JOBS} limit 1000)`, full: JOBS },
];
