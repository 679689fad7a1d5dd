import { Controller, Inject, Optional } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { Refusal } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { readClock } from '../database/chain-head.repository.js';
import {
  Consumes,
  Discards,
  isSetClock,
  Known,
  moveTestClocks,
  passedOverBefore,
  Refuses,
  type AnyOutgoing,
  type Handled,
  type SetClock,
} from '@payflow/messaging';
import { openBooks, saveBooks } from '../database/books.repository.js';
import { RememberedAccounts } from '../database/remembered-accounts.js';
import { UNREAD_HASH, idText, keyed, keyedUnread, transferKey, type KeyedCommand } from '../database/command-key.js';
import {
  Answer,
  findVerdicts,
  insertVerdicts,
  lostRace,
  verdictOf,
  type KnownVerdict,
} from '../database/verdict.repository.js';
import { Book } from '../domain/book.js';
import { decide, refuseCommand, type DamagedCommand, type LedgerCommand, type Verdict } from '../domain/decide.js';
import { overdraftEvents } from '../domain/verdicts/overdraft.js';

/** Provides the URL of the books. */
export const BOOKS_URL = Symbol('the URL of the books');

/** All that changes the books: one batch, one set of statements, a verdict for every command. */
@Controller()
export class LedgerCommandsHandler {
  private readonly memory: RememberedAccounts;

  /** `books`: where they are, for processes that share them to take turns. */
  constructor(@Optional() @Inject(BOOKS_URL) books?: string) {
    this.memory = new RememberedAccounts(books);
  }

  /** Nest calls it when the process stops, after the consumers have. */
  async onApplicationShutdown(): Promise<void> {
    await this.memory.close();
  }

  @Consumes('ledger.commands')
  async handle(@Payload() commands: readonly (LedgerCommand | SetClock)[], @Ctx() tx: Transaction): Promise<Handled> {
    const clocks = commands.filter(isSetClock);
    if (clocks.length === 0)
      return answerBatch(tx, (commands as readonly LedgerCommand[]).map(keyed), decide, this.memory);
    const moved = await moveTestClocks(tx, clocks);
    return withMoved(moved, await answerBatch(tx, booked(commands).map(keyed), decide, this.memory));
  }

  /** An operator gave the commands up: the refusal is written where any later copy will find it. */
  @Discards('ledger.commands')
  async discard(@Payload() commands: readonly (LedgerCommand | SetClock)[], @Ctx() tx: Transaction): Promise<Handled> {
    return answerBatch(tx, booked(commands).map(keyed), refusing('discarded'), this.memory);
  }

  /** A gateway that waits for the answer to one command of an account publishes again all that it sent together with it. */
  @Known('ledger.commands')
  async known(@Payload() commands: readonly (LedgerCommand | SetClock)[], @Ctx() tx: Transaction): Promise<string[]> {
    const keys = booked(commands).map(keyed);
    const verdicts = await findVerdicts(tx, keys);
    return keys
      .filter(({ key, command }) => verdicts.get(key)?.commandId === command.id)
      .map(({ command: { id } }) => id);
  }

  /** Commands too damaged to be carried out, and whole enough to be refused: that is written at the same place. */
  @Refuses('ledger.commands')
  async refuse(@Payload() commands: readonly DamagedCommand[], @Ctx() tx: Transaction): Promise<Handled> {
    return refuseDamaged(tx, commands.map(keyedUnread));
  }
}

type Decision = (book: Book, command: LedgerCommand) => Verdict;

function refusing(reason: Refusal): Decision {
  return (book, command) => refuseCommand(command, reason, book.now);
}

/** What is told of clocks changes no books, and waits for no answer. */
function booked(commands: readonly (LedgerCommand | SetClock)[]): LedgerCommand[] {
  return commands.filter((command): command is LedgerCommand => !isSetClock(command));
}

function withMoved(moved: Awaited<ReturnType<typeof moveTestClocks>>, { messages, repeated = [] }: Handled): Handled {
  return { messages: [...moved.messages, ...messages], repeated: [...moved.repeated, ...repeated] };
}

async function answerBatch(
  tx: Transaction,
  commands: readonly KeyedCommand[],
  decision: Decision,
  memory: RememberedAccounts,
): Promise<Handled> {
  if (commands.length === 0) return { messages: [] };
  const books = await openBooks(tx, commands, memory);
  const { now, clock } = books.held;
  const book = new Book(books.loaded, now.toISOString(), clock.toISOString());
  const known = new Map(books.known);
  const answers: (Answer | AnyOutgoing)[] = [];
  const repeated: string[] = [];
  const unmarked: string[] = [];
  for (const each of commands) {
    const { command, key } = each;
    const before = known.get(key);
    if (before) {
      (before.commandId === command.id ? repeated : unmarked).push(command.id);
      answers.push(answerAgain(each, before, book));
      continue;
    }
    const given = new Answer(each, decision(book, command));
    learn(known, book, given);
    answers.push(given, ...overdraftsOf(command, given.verdict, book));
  }
  const fresh = answers.filter((each) => each instanceof Answer);
  // Under the key stands the command that came first: nothing there tells a repeat of another one.
  const before =
    fresh.length > 0
      ? saveBooks(tx, { changes: book.changes(), answers: fresh, unmarked }, books.held, memory)
      : passedOverBefore(tx, 'ledger.commands', unmarked);
  if (unmarked.length > 0) repeated.push(...(await before));
  return { messages: answers.map((each) => (each instanceof Answer ? freshEvent(each) : each)), repeated };
}

/** From now on the batch's later copies of the command, and other uses of the ids it took, are met as such. */
function learn(known: Map<string, KnownVerdict>, book: Book, given: Answer): void {
  const { keyed: each, verdict } = given;
  const { command } = each;
  known.set(each.key, given);
  if (each.kind === 'transfer') book.useTransferId(command, command.data.id);
  if (verdict.type !== 'payflow.group.posted.v1') return;
  const { contentHash, commandId, eventId, type } = given;
  for (const leg of verdict.data.legs)
    known.set(idText(transferKey(each, leg.id)), { contentHash, commandId, eventId, type, json: JSON.stringify(leg) });
}

/** A copy of a command gets the verdict of the first; another command under the same id is refused, and changes nothing. */
function answerAgain({ command, contentHash, kind }: KeyedCommand, before: KnownVerdict, book: Book): AnyOutgoing {
  const isCopy = before.contentHash === contentHash || before.contentHash === UNREAD_HASH;
  // A leg of a group is known under its transfer's id too, but its verdict is the group's.
  const isLeg = kind === 'transfer' && before.type === 'payflow.group.posted.v1';
  if (!isCopy || isLeg) return eventOf(command, refuseCommand(command, 'id_reused', book.now), {});
  // Whoever sends a refused opening anew waits for an answer to this command: the first has been read, and is passed over by
  // its event's id however often it is sent. So it is told again, as another event.
  const isSpent = before.type === 'payflow.account.rejected.v1' && before.commandId !== command.id;
  if (isSpent) return eventOf(command, verdictOf(before), {});
  return eventOf(command, verdictOf(before), { id: before.eventId, resent: true });
}

/** Refuses each id that is not known. One that is known keeps its verdict, which has been sent and may not be contradicted. */
async function refuseDamaged(tx: Transaction, commands: readonly KeyedCommand<DamagedCommand>[]): Promise<Handled> {
  const [known, now] = await Promise.all([findVerdicts(tx, commands), readClock(tx)]);
  const answers = new Map<string, Answer>();
  for (const each of commands.filter(({ key }) => !known.has(key) && !answers.has(key)))
    answers.set(each.key, new Answer(each, refuseCommand(each.command, 'command_malformed', now.toISOString())));
  const given = [...answers.values()];
  if (given.length > 0)
    await insertVerdicts(tx, given).catch((error: unknown) => {
      throw lostRace(error);
    });
  return {
    messages: given.map(freshEvent),
    repeated: commands
      .filter(({ key, command }) => known.get(key)?.commandId === command.id)
      .map(({ command }) => command.id),
  };
}

function freshEvent({ keyed: { command }, verdict, eventId: id, json }: Answer): AnyOutgoing {
  return eventOf(command, verdict, { id, json });
}

/** They go with the first answer alone: a copy of the command gets the verdict again, and has drawn nothing. */
function overdraftsOf(command: LedgerCommand, verdict: Verdict, book: Book): AnyOutgoing[] {
  return overdraftEvents(book.takeOverdrafts(), verdict, book.now).map((event) => ({
    ...event,
    subject: event.data.account,
    aggregateVersion: event.data.version,
    cause: command,
  }));
}

function eventOf(
  command: LedgerCommand | DamagedCommand,
  verdict: Verdict,
  sending: { id?: string; json?: string; resent?: true },
): AnyOutgoing {
  const version = 'version' in verdict.data ? verdict.data.version : 1;
  return { ...verdict, ...sending, subject: verdict.data.id, aggregateVersion: version, cause: command } as AnyOutgoing;
}
