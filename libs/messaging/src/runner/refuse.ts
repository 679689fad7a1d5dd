import { TOPICS, type AnyMessage, type Refusable } from '@payflow/contracts';
import { logger } from '@payflow/telemetry';
import type { RawRecord } from '../broker/port.js';
import { decodeRefusable } from '../envelope.js';
import type { AnyOutgoing } from '../outgoing.js';
import { parkedSubjects, subjectKey } from '../parking/parking.repository.js';
import { handleInOrder, type Item } from './batch.js';
import { settleDeadLetters } from './dead-letter.repository.js';
import { inSequence } from './sequence.js';
import { sequenceOf } from './sequence-plan.js';
import type { Arrival, Unit } from './unit.js';

const log = logger('runner');

export interface Refusals {
  readonly refused: readonly AnyOutgoing[];
  /** Commands whose sender hears nothing. */
  readonly untold: number;
  /** Ids of commands that had waited for one that was refused, and have been carried out now. */
  readonly followed: readonly string[];
}

/**
 * Refuses the undecodable commands among the items, in the transaction that keeps them as dead letters: whoever waits for
 * the outcome would wait for ever. Where too little can be read for that, somebody else has to be told.
 */
export async function refuseUndecodable(unit: Unit, items: readonly Item[]): Promise<Refusals> {
  const { reader, place } = unit;
  const damaged = items.filter(({ decoded }) => decoded.kind === 'undecodable').map(({ record }) => record);
  if (damaged.length === 0 || TOPICS[reader.spec.topic].kind !== 'commands')
    return { refused: [], untold: 0, followed: [] };
  const commands = new Map<RawRecord, Refusable | undefined>(
    damaged.map((record) => [record, decodeRefusable(record, reader.spec.topic)]),
  );
  const { messages, answered } = await refuse(
    unit,
    [...commands.values()].flatMap((command) => command ?? []),
  );
  const untold = damaged.filter((record) => !answered.has(commands.get(record)?.id ?? ''));
  for (const { offset } of untold)
    log.error({ ...place, offset }, 'ALARM: a command cannot be read, and its sender cannot be told');
  const refused = [...commands].filter(([, command]) => command !== undefined && answered.has(command.id));
  await settleDeadLetters(
    unit.tx,
    place,
    refused.map(([record]) => record),
  );
  const after = await useUp(unit, refused as [RawRecord, Refusable][]);
  return { refused: [...messages, ...after.messages], untold: untold.length, followed: after.followed };
}

/**
 * A refused command has used up its number: what waited for it is carried out in the same transaction. One that came before its
 * turn waits for it like any other; the reader knows it by then, and leaves it as it is. The first of a subject needs no number to
 * be refused, and is known as the first by having none.
 */
async function useUp(
  unit: Unit,
  refused: readonly [RawRecord, Refusable][],
): Promise<{ messages: readonly AnyOutgoing[]; followed: readonly string[] }> {
  const numbered = refused.map(([record, command]) => arrivalOf(record, numberedOf(command as unknown as AnyMessage)));
  if (!unit.reader.spec.sequenced || numbered.length === 0) return { messages: [], followed: [] };
  // What this very batch has stored waits, too.
  const { ready } = await inSequence({ ...unit, position: { ...unit.position, hasWaiting: true } }, numbered);
  const followers = ready.filter((arrival) => !numbered.includes(arrival));
  if (followers.length === 0) return { messages: [], followed: [] };
  const { messages, repeated = [] } = await handleInOrder(unit, followers);
  return { messages, followed: followers.map(({ message: { id } }) => id).filter((id) => !repeated.includes(id)) };
}

function numberedOf(message: AnyMessage): AnyMessage {
  if (sequenceOf(message) !== undefined) return message;
  return { ...message, data: { ...message.data, sequence: 1 } } as AnyMessage;
}

function arrivalOf({ offset, value }: RawRecord, message: AnyMessage): Arrival {
  return { message, offset, value: value ?? Buffer.alloc(0), span: undefined };
}

async function refuse(
  unit: Unit,
  commands: readonly Refusable[],
): Promise<{ messages: readonly AnyOutgoing[]; answered: ReadonlySet<string> }> {
  const refuser = unit.reader.handlers.refuse;
  const free = refuser ? await notParked(unit, commands) : [];
  if (!refuser || free.length === 0) return { messages: [], answered: new Set() };
  const { messages, repeated = [] } = await refuser(free, unit.tx);
  return { messages, answered: new Set([...messages.flatMap(({ cause }) => cause?.id ?? []), ...repeated]) };
}

/** Where a subject waits for its operator, what waits may be the undamaged copy: refusing would take the decision away. */
async function notParked({ tx, place, position }: Unit, commands: readonly Refusable[]): Promise<readonly Refusable[]> {
  if (!position.hasParked || commands.length === 0) return commands;
  const subjects = await parkedSubjects(tx, place);
  return commands.filter(({ tenant, key }) => !subjects.has(subjectKey(tenant, key)));
}
