import type { Span } from '@opentelemetry/api';
import { SUBSCRIPTIONS, type AnyMessage, type Group, type SubscriptionSpec } from '@payflow/contracts';
import type { Database, Transaction } from '@payflow/database';
import type { Outbox } from '../outbox/outbox.js';
import type { SubscriptionHandlers } from './handler.js';
import type { LockedPosition, Place } from './positions.repository.js';

/** What one group's reader is made of, the same for all its partitions. */
export interface Reader {
  readonly group: Group;
  readonly spec: SubscriptionSpec;
  readonly wanted: ReadonlySet<string>;
  /** Types of which each message has a row in the inbox. */
  readonly inboxed: ReadonlySet<string>;
  readonly db: Database;
  readonly outbox: Outbox;
  readonly handlers: SubscriptionHandlers;
}

export function readerOf(group: Group, db: Database, outbox: Outbox, handlers: SubscriptionHandlers): Reader {
  const spec: SubscriptionSpec = SUBSCRIPTIONS[group];
  const inboxed = new Set(spec.mark === 'inbox' ? spec.types : spec.inboxed);
  return { group, spec, wanted: new Set(spec.types), inboxed, db, outbox, handlers };
}

/** One transaction of one partition, under the lock of its position. */
export interface Unit {
  readonly tx: Transaction;
  readonly reader: Reader;
  readonly place: Place;
  readonly position: Pick<LockedPosition, 'hasParked' | 'hasWaiting'>;
  /** Event ids of the partition's dead letters, as far as copies of them are looked for. */
  readonly dead: Set<string>;
  /** Whether commands that waited for one of these are applied behind it, or parked because together they failed. */
  readonly followers: 'apply' | 'park';
}

/** A message that came in, with where it lies and how it looked. */
export interface Arrival {
  readonly message: AnyMessage;
  readonly offset: number;
  /** The data's exact bytes. */
  readonly value: Buffer;
  readonly span: Span | undefined;
  /** An operator has said that it is refused when its turn comes. */
  readonly discarded?: boolean;
}
