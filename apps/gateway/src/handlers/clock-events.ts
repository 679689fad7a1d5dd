import type { AnyMessage } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { noteHeard } from '../database/test-space.repository.js';

const OWNERS = {
  'payflow.payments_clock.moved.v1': 'payments',
  'payflow.ledger_clock.moved.v1': 'ledger',
} as const;

type MovedType = keyof typeof OWNERS;

/** An owner's word that it goes by a test clock. */
export type ClockEvent<T extends MovedType = MovedType> = AnyMessage<T>;

/** Notes who goes by which clock. One statement, and none for nothing. */
export async function applyClockEvents(tx: Transaction, events: readonly ClockEvent[]): Promise<void> {
  const [first] = events;
  if (!first) return;
  await noteHeard(
    tx,
    OWNERS[first.type],
    events.map(({ data }) => data),
  );
}
