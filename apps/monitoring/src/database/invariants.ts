import { noOldOutboxRow, noSecrets, oneMarkPerMessage, type Invariant } from '@payflow/invariants';

/** What must always hold in monitoring's own database; what must hold between the services is compared by the sampler. */
export const invariants: readonly Invariant[] = [
  oneMarkPerMessage('monitoring'),
  noOldOutboxRow('monitoring'),
  noSecrets('monitoring'),
];
