import { fromUuid, newId, newUuid, partitionOf, type AnyMessage } from '@payflow/contracts';
import { plansFor } from '@payflow/messaging';
import type { LedgerCommand } from '../domain/decide.js';
import { LedgerCommandsHandler } from '../handlers/ledger-commands.handler.js';
import type { BenchBooks } from './books.js';
import { postPlainly, type PlainTransferRequest } from './plain-poster.js';

const AMOUNT = 7n;
/** More than any account has. */
const REFUSED_AMOUNT = 9_000_000_000_000_000n;

/** Who pays in a round. */
export interface Mix {
  /** One account pays for all. */
  readonly hot?: boolean;
  /** Every second transfer is refused for lack of funds. */
  readonly refusals?: boolean;
  /** Batches in flight together share no account. Else nearly every batch waits for another's locks, to its COMMIT. */
  readonly apart?: boolean;
}

/** The accounts of batches that are apart: twice as many sets as batches are in flight, for they do not end in turn. */
const SETS = 4;

/** Whose accounts pay. */
export type Payers = Pick<BenchBooks, 'tenant' | 'accounts'>;

/** Batches of ready commands, made before anything is measured. */
export function batchesOf(books: Payers, count: number, size: number, mix: Mix = {}): LedgerCommand[][] {
  const sets = mix.apart ? setsOf(books) : [books];
  return Array.from({ length: count }, (_, batch) =>
    Array.from({ length: size }, (_, at) => commandOf(books, requestOf(sets[batch % sets.length] ?? books, mix, at))),
  );
}

/** Which of so many partitions a process has. */
export interface Share {
  readonly partitions: number;
  readonly mine: readonly number[];
}

/** Batches as partitions hold them, in turn: a command lies in the partition of the account that it debits. */
export function batchesOfShare(
  books: Payers,
  count: number,
  size: number,
  { partitions, mine }: Share,
): LedgerCommand[][] {
  const payers = mine.map((partition) =>
    books.accounts.filter((account) => partitionOf(fromUuid('account', account), partitions) === partition),
  );
  return Array.from({ length: count }, (_, batch) => {
    const from = payers[batch % payers.length] as string[];
    return Array.from({ length: size }, (_, at) =>
      commandOf(books, { ...requestOf(books, {}, at), ...paidBy(from, books) }),
    );
  });
}

function paidBy(payers: readonly string[], { accounts }: Payers): Pick<PlainTransferRequest, 'debit' | 'credit'> {
  const debit = payers[Math.floor(Math.random() * payers.length)] as string;
  for (;;) {
    const credit = accounts[Math.floor(Math.random() * accounts.length)] as string;
    if (credit !== debit) return { debit, credit };
  }
}

export function requestsOf(books: BenchBooks, count: number): PlainTransferRequest[] {
  return Array.from({ length: count }, (_, at) => requestOf(books, {}, at));
}

/** One for all rounds, as in the service: it remembers its accounts. */
const handlers = new WeakMap<Posting['database'], LedgerCommandsHandler>();

function handlerOf({ database, url }: Posting): LedgerCommandsHandler {
  const handler = handlers.get(database) ?? new LedgerCommandsHandler(url);
  handlers.set(database, handler);
  return handler;
}

/** Where batches are posted to. */
export type Posting = Pick<BenchBooks, 'database' | 'messaging'> & { readonly url?: string };

/** Posts the batches as the runner would: each in one transaction with its outbox row, so many at a time. */
export async function postOurs(books: Posting, work: LedgerCommand[][], connections: number): Promise<void> {
  const { database, messaging } = books;
  const handler = handlerOf(books);
  await sharedBy(connections, work, (commands) =>
    database.transaction(
      async (tx) => {
        const { messages } = await handler.handle(commands, tx);
        messaging.outbox.stageAtCommit(tx, { outgoing: messages, finished: [], parentOf: () => undefined });
      },
      { plans: plansFor(commands) },
    ),
  );
}

export async function postTheirs(books: BenchBooks, work: PlainTransferRequest[], connections: number): Promise<void> {
  await sharedBy(connections, work, (request) => postPlainly(books.plain, request));
}

async function sharedBy<T>(workers: number, work: T[], post: (each: T) => Promise<unknown>): Promise<void> {
  const worker = async () => {
    for (let each = work.pop(); each !== undefined; each = work.pop()) await post(each);
  };
  await Promise.all(Array.from({ length: workers }, worker));
}

function setsOf({ accounts }: Payers): Pick<BenchBooks, 'accounts'>[] {
  return Array.from({ length: SETS }, (_, set) => ({ accounts: accounts.filter((_, at) => at % SETS === set) }));
}

function requestOf(
  { accounts }: Pick<BenchBooks, 'accounts'>,
  { hot, refusals }: Mix,
  at: number,
): PlainTransferRequest {
  const from = hot ? 0 : Math.floor(Math.random() * accounts.length);
  const to = (from + 1 + Math.floor(Math.random() * (accounts.length - 1))) % accounts.length;
  return {
    id: newUuid(),
    debit: accounts[from] as string,
    credit: accounts[to] as string,
    amount: refusals && at % 2 === 1 ? REFUSED_AMOUNT : AMOUNT,
  };
}

function commandOf({ tenant }: Payers, { id, debit, credit, amount }: PlainTransferRequest): LedgerCommand {
  const transferId = fromUuid('transfer', id);
  return {
    id: newId('event'),
    type: 'payflow.transfer.post.v1',
    subject: transferId,
    tenant,
    livemode: false,
    key: fromUuid('account', debit),
    aggregateVersion: 0,
    causationId: transferId,
    correlationId: transferId,
    actor: 'bench',
    time: '',
    // As every command has one that comes out of an outbox. Not recorded.
    traceparent: `00-${id.replaceAll('-', '')}-${id.slice(19).replace('-', '')}-00`,
    tracestate: undefined,
    data: {
      id: transferId,
      payment: null,
      debit_account: fromUuid('account', debit),
      credit_account: fromUuid('account', credit),
      amount: amount.toString(),
      asset: 'USD',
      valid_until: null,
    },
  } satisfies AnyMessage<'payflow.transfer.post.v1'>;
}
