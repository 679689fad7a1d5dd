import type { Transaction } from '@payflow/database';
import { dropKeys } from '../database/acceptance.repository.js';
import { removeOperationViews } from '../database/operation-view.repository.js';
import { takeSequences, type Place } from '../database/payment-sequence.repository.js';
import { isOperationKind } from '../domain/operation.js';
import type { Acceptable, Acceptance, OperationWrite, Write } from './acceptable.js';

interface AcceptableOperation extends Acceptable {
  readonly write: OperationWrite;
}

function isOperation(write: Write): write is OperationWrite {
  return isOperationKind(write.kind);
}

/** The writes among these that ask something of a payment that is there. */
export function operationsAmong(writes: readonly Acceptable[]): AcceptableOperation[] {
  return writes.filter((write): write is AcceptableOperation => isOperation(write.write));
}

/** What became of writes of which each operation needs a place among the commands of its payment. */
export interface Placed {
  /** The writes to go on with, each operation's command with its place. */
  readonly placed: readonly Acceptable[];
  /** The others: the payment is not there, or at another version than was asked for. */
  readonly refused: ReadonlyMap<Acceptable, Place & string>;
}

/** Gives the operations among the writes their places. Costs nothing where there are none. */
export async function place(tx: Transaction, writes: readonly Acceptable[]): Promise<Placed> {
  const operations = operationsAmong(writes);
  if (operations.length === 0) return { placed: writes, refused: new Map() };
  const places = await takeSequences(
    tx,
    operations.map(({ write }) => write),
  );
  const placeOf = new Map<Acceptable, Place | undefined>(operations.map((write, at) => [write, places[at]]));
  const refused = new Map<Acceptable, Place & string>();
  const placed = writes.flatMap((write): Acceptable[] => {
    const found = placeOf.get(write);
    if (typeof found !== 'string') return [found === undefined ? write : at(write, found)];
    refused.set(write, found);
    return [];
  });
  return { placed, refused };
}

/** Takes back what was inserted of operations that have no place, and gives back their keys. */
export async function takeBack(tx: Transaction, refused: Placed['refused']): Promise<Map<Acceptable, Acceptance>> {
  const writes = [...refused.keys()];
  if (writes.length > 0)
    await Promise.all([
      removeOperationViews(
        tx,
        operationsAmong(writes).map(({ write }) => write.view),
      ),
      dropKeys(tx, writes),
    ]);
  return new Map([...refused].map(([write, code]) => [write, { outcome: 'refused', code }]));
}

function at(acceptable: Acceptable, sequence: number): Acceptable {
  const { write } = acceptable;
  return { ...acceptable, write: { ...write, command: { ...write.command, sequence } } as Write };
}
