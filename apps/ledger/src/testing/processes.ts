import { checkInvariant } from '@payflow/invariants';
import { statement } from '@payflow/database';
import type { AnyOutgoing } from '@payflow/messaging';
import type { TestDatabase } from '@payflow/testing';
import { invariants } from '../database/index.js';
import type { LedgerCommand } from '../domain/decide.js';
import { LedgerCommandsHandler } from '../handlers/ledger-commands.handler.js';

/** The others speak of messages, which nothing sends here. */
const BOOKS = new Set<string>(['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I10', 'I16', 'I20']);

/** Fifty that take turns wait longer for theirs than a transaction may idle that nobody else is in front of. */
const UNHURRIED = statement('spec.unhurried', 'set local idle_in_transaction_session_timeout = 0');

/** So many processes at the same books, each with every other batch. More than one take turns. */
export class Processes {
  private readonly handlers: readonly LedgerCommandsHandler[];
  private handled = 0;

  constructor(
    private readonly db: TestDatabase,
    count: number,
  ) {
    this.handlers = Array.from({ length: count }, () => new LedgerCommandsHandler(count > 1 ? db.url : undefined));
  }

  async handle(commands: readonly LedgerCommand[]): Promise<readonly AnyOutgoing[]> {
    const handler = this.handlers[this.handled++ % this.handlers.length] as LedgerCommandsHandler;
    const [, { messages }] = await this.db.database.transaction((tx) =>
      Promise.all([tx.rows(UNHURRIED), handler.handle(commands, tx)]),
    );
    return messages;
  }

  /** Rows that break an invariant of the books. */
  async brokenInvariants(): Promise<string[]> {
    const broken: string[] = [];
    for (const each of invariants.filter(({ name }) => BOOKS.has(name))) {
      const { sample } = await checkInvariant(this.db.database, each, 'full');
      broken.push(...sample.map((row) => `${each.name}: ${row}`));
    }
    return broken;
  }

  async close(): Promise<void> {
    await Promise.all(this.handlers.map((handler) => handler.onApplicationShutdown()));
  }
}
