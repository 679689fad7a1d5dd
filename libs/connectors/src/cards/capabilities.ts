import type { Capabilities } from '../connector.js';

const MS_PER_DAY = 86_400_000;

/** What the acquirer's API can do. */
export const capabilities: Capabilities = {
  methods: ['card'],
  assets: null,
  countries: null,
  brands: null,
  actions: ['authorize', 'sale', 'increment', 'capture', 'void', 'refund', 'submit_evidence'],
  multipleCaptures: true,
  overcapture_percent: 15,
  authorizationValid_ms: 7 * MS_PER_DAY,
  keysKept_ms: null,
  amount: { min: '1', max: null },
  isOutside: true,
};
