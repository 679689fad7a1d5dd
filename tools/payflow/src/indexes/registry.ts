import type { Service } from '@payflow/contracts';
import { archiver } from './archiver.js';
import { gateway } from './gateway.js';
import type { IndexRegistry } from './index-use.js';
import { ledger } from './ledger.js';
import { payments } from './payments.js';

/** Each service's own indexes; those of `messaging` are in all of their databases. */
export const INDEXES: Readonly<Record<Service, IndexRegistry>> = {
  gateway,
  payments,
  ledger,
  archiver,
  monitoring: { uses: [], seeds: {} },
};

export { messaging as SHARED_INDEXES } from './messaging.js';
