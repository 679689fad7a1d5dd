import type { Terms } from './life.js';

const DAY_MS = 86_400_000;

/** Where no connector has the payment, as where the ledger alone decides. */
export const USUAL_TERMS: Terms = { overcapture_percent: 0, authorizationValid_ms: 7 * DAY_MS, multipleCaptures: true };
