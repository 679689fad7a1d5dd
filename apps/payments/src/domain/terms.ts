import type { Terms } from './life.js';

const DAY_MS = 86_400_000;

/** Where no connector says otherwise, and where the ledger alone decides. */
const USUAL: Terms = { overcapture_percent: 0, authorizationValid_ms: 7 * DAY_MS, multipleCaptures: true };

/** What the connector that has the payment allows. */
export function termsOf(_connector: string | null): Terms {
  return USUAL;
}
