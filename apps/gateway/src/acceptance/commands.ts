import { MESSAGES, PARTITIONS, partitionOf, type MessageSpec } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import type { AnyOutgoing, Messaging, StagedRows } from '@payflow/messaging';
import type { Acceptable } from './acceptable.js';

/** Writes the commands of accepted writes into the outbox, each under its request's span. */
export function stageCommands(
  tx: Transaction,
  messaging: Messaging,
  writes: readonly Acceptable[],
): Promise<StagedRows> {
  const traceparents = new Map<AnyOutgoing, string | undefined>();
  const commands = writes.map((write) => {
    const command = commandOf(write);
    traceparents.set(command, write.traceparent);
    return command;
  });
  return messaging.outbox.stage(tx, commands, (command) => traceparents.get(command));
}

function commandOf({ tenant, livemode, actor, traceparent, write }: Acceptable): AnyOutgoing {
  const origin = { tenant, livemode, actor, ...(traceparent ? { traceparent } : {}) };
  // A change is about what it changes; everything else about what it makes.
  const subject = write.kind === 'change' ? write.command.id : write.view.id;
  const { type, command: data, commandId } = write;
  return { type, subject, data, origin, ...(commandId === undefined ? {} : { id: commandId }) } as AnyOutgoing;
}

/** Finds the outbox row of each command: rows hold their target's messages in the order they were given. */
export function withOutboxRows(
  writes: readonly Acceptable[],
  staged: StagedRows,
  profile: keyof typeof PARTITIONS,
): (readonly [write: Acceptable, row: { readonly id: string; readonly created_at: Date }])[] {
  const rows = new Map<string, { row: StagedRows['rows'][number]; left: number }[]>();
  for (const row of staged.rows) {
    const target = `${row.topic}/${row.partition}`;
    rows.set(target, [...(rows.get(target) ?? []), { row, left: row.message_count }]);
  }
  return writes.map((write) => {
    const queue = rows.get(targetOf(write, PARTITIONS[profile]));
    const first = queue?.[0];
    if (!queue || !first) throw new TypeError('a command has no outbox row');
    if (--first.left === 0) queue.shift();
    return [write, first.row] as const;
  });
}

function targetOf({ write }: Acceptable, partitions: number): string {
  const spec = MESSAGES[write.type] as MessageSpec<unknown>;
  return `${spec.topic}/${partitionOf(spec.key(write.command), partitions)}`;
}
