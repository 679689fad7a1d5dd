import { noOldOutboxRow, noSecrets, type Invariant } from '@payflow/invariants';

/** What must always hold in monitoring's own database; what must hold between the services is compared by the sampler. */
export const invariants: readonly Invariant[] = [noOldOutboxRow('monitoring'), noSecrets('monitoring')];
