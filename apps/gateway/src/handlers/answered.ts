import type { Message } from '@payflow/contracts';
import { parseTraceparent } from '@payflow/messaging';
import type { Reply } from '../acceptance/acceptable.js';
import { keyOf, type ResourceKey } from '../database/keys.js';
import type { PendingWrite } from '../database/reply.repository.js';

/** The writes that a batch of answers ends, by their commands. */
export type Answered = ReadonlyMap<string, PendingWrite>;

export type Replies = readonly (readonly [PendingWrite, Reply])[];

type Cause = Pick<Message, 'tenant' | 'livemode' | 'causationId'>;

/** The command that an event answers. */
export function commandKeyOf({ tenant, livemode, causationId }: Cause): ResourceKey {
  return { tenant, livemode, id: causationId };
}

/** The write that waits for this event, if one does. */
export function writeAnsweredBy(event: Cause, answered: Answered): PendingWrite | undefined {
  return answered.get(keyOf(commandKeyOf(event)));
}

export function traceIdOf({ traceparent }: Pick<Message, 'traceparent'>): string | null {
  return parseTraceparent(traceparent)?.traceId ?? null;
}
