/**
 * What an answer with wait=0 reads once more before it is sent, and again where a wake-up came meanwhile; and the relay, which
 * may do its own work in the course of whoever woke it.
 */
const NOT_ITS_OWN = new Set(['idempotency.find-replies', 'outbox.claim', 'outbox.mark-published']);

/** Of the names of statements those that are a request's own. */
export function ownStatements(names: readonly string[]): string[] {
  return names.filter((name) => !NOT_ITS_OWN.has(name));
}
