import { uuidOf, type AnyMessage } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import type { AnyOutgoing } from '../outgoing.js';
import type { Handled } from '../runner/handler.js';
import { moveClocks } from './test-clock.repository.js';

type SetType = 'payflow.payments_clock.set.v1' | 'payflow.ledger_clock.set.v1';

/** Says how far the clock of a test space is ahead. */
export type SetClock = AnyMessage<SetType>;

const MOVED = {
  'payflow.payments_clock.set.v1': 'payflow.payments_clock.moved.v1',
  'payflow.ledger_clock.set.v1': 'payflow.ledger_clock.moved.v1',
} as const satisfies Record<SetType, string>;

export function isSetClock<M extends { readonly type: string }>(message: M | SetClock): message is SetClock {
  return Object.hasOwn(MOVED, message.type);
}

/** Moves the clocks of test spaces and says so. One statement, and none for nothing: live batches never come here. */
export async function moveTestClocks(
  tx: Transaction,
  commands: readonly SetClock[],
): Promise<Pick<Handled, 'messages'> & { readonly repeated: readonly string[] }> {
  if (commands.length === 0) return { messages: [], repeated: [] };
  const left = new Set(
    await moveClocks(
      tx,
      commands.map(({ data }) => data),
    ),
  );
  // Of two copies in a batch the first moves it.
  const moving = commands.filter(({ data: { id, version } }) => left.delete(`${uuidOf('tenant', id)}/${version}`));
  const repeated = commands.filter((command) => !moving.includes(command)).map(({ id }) => id);
  return { messages: moving.map(movedEvent), repeated };
}

function movedEvent(cause: SetClock): AnyOutgoing {
  const { type, data } = cause;
  return { type: MOVED[type], subject: data.id, aggregateVersion: data.version, data, cause };
}
