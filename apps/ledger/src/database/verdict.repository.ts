import { fromUuid, newId, uuidOf, type MessageType } from '@payflow/contracts';
import {
  RunAgain,
  hexArray,
  isUniqueViolation,
  joinJson,
  statement,
  uuidArray,
  type Transaction,
} from '@payflow/database';
import { PASS_OVER, cameBefore, passedColumns } from '@payflow/messaging';
import type { DamagedCommand, LedgerCommand, Verdict } from '../domain/decide.js';
import { idText, transferKey, type IdKey, type IdKind, type KeyedCommand } from './command-key.js';

/** The ledger's answer to one command, with the id of the event that carries it. */
export class Answer implements KnownVerdict {
  /** Made here once, so that a re-run transaction publishes under a new one only if it never committed. */
  readonly eventId = newId('event');
  #json: string | undefined;

  constructor(
    readonly keyed: KeyedCommand<LedgerCommand | DamagedCommand>,
    readonly verdict: Verdict,
  ) {}

  get contentHash(): string {
    return this.keyed.contentHash;
  }

  get commandId(): string {
    return this.keyed.command.id;
  }

  get type(): Verdict['type'] {
    return this.verdict.type;
  }

  /** The verdict's data, as it is both stored and published. Written when it is first asked for. */
  get json(): string {
    return (this.#json ??= JSON.stringify(this.verdict.data));
  }
}

/** What is known of an id: the verdict under which it was first used. */
export interface KnownVerdict {
  /** SHA-256 in hexadecimal. */
  readonly contentHash: string;
  readonly commandId: string;
  readonly eventId: string;
  readonly type: MessageType;
  /** The event's data; for a transfer of a group that leg of it. */
  readonly json: string;
}

const FIND = statement(
  'ledger.find-verdicts',
  `select v.tenant_id, v.livemode, v.kind, v.id, encode(v.content_hash, 'hex') as content_hash, v.command_id, v.event_id, v.event_type, v.event_data
   from unnest($1::uuid[], $2::boolean[], $3::text[], $4::uuid[]) as c (tenant_id, livemode, kind, id)
   join verdicts v using (tenant_id, livemode, kind, id)`,
);

// An id that is taken meanwhile is an error, and not passed over: to look for it first costs a third more, every time.
const INSERTED = `insert into verdicts (tenant_id, livemode, kind, id, content_hash, command_id, event_id, event_type, event_data)
   select tenant_id, livemode, kind, id, content_hash, command_id, event_id, event_type, event_data
   from unnest($1::uuid[], $2::boolean[], $3::text[], $4::uuid[], $5::bytea[], $6::uuid[], $7::uuid[], $8::text[],
     string_to_array($9, chr(30)))
     as v (tenant_id, livemode, kind, id, content_hash, command_id, event_id, event_type, event_data)
   order by tenant_id, livemode, kind, id`;

const INSERT = statement('ledger.insert-verdicts', INSERTED);

// With what says that the copies among the batch's commands came, which the others have none of.
const INSERT_AND_PASS = statement(
  'ledger.insert-verdicts-and-pass',
  `with inserted as (${INSERTED}), passed as (${PASS_OVER(10)}) select event_id from passed`,
);

interface VerdictRow {
  tenant_id: string;
  livemode: boolean;
  kind: IdKind;
  id: string;
  content_hash: string;
  command_id: string;
  event_id: string;
  event_type: MessageType;
  event_data: string;
}

/** What is known of the ids, by {@link idText}. */
export async function findVerdicts(tx: Transaction, ids: readonly IdKey[]): Promise<Map<string, KnownVerdict>> {
  const rows = await tx.rows<VerdictRow>(FIND, idColumns(ids));
  return new Map(
    rows.map((row) => [
      idText({ tenant: row.tenant_id, livemode: row.livemode, kind: row.kind, uuid: row.id }),
      {
        contentHash: row.content_hash,
        commandId: fromUuid('event', row.command_id),
        eventId: fromUuid('event', row.event_id),
        type: row.event_type,
        json: row.event_data,
      },
    ]),
  );
}

/** What accounts were before there were kinds, states and limits. */
const OLD_TERMS = { kind: 'liability', state: 'open', overdraft_limit: '0' } as const;

/**
 * The verdict that a command was given, as it would be told today. What needs nothing added keeps the order of its fields: sent
 * again, it is the same message to the byte, and not another one under its id.
 */
export function verdictOf({ type, json }: KnownVerdict): Verdict {
  const verdict = { type, data: JSON.parse(json) as unknown } as Verdict;
  switch (verdict.type) {
    case 'payflow.account.opened.v1':
      return { ...verdict, data: withTerms(verdict.data) };
    case 'payflow.transfer.posted.v1': {
      const { debit_account, credit_account } = verdict.data;
      const accounts = { debit_account: withTerms(debit_account), credit_account: withTerms(credit_account) };
      return { ...verdict, data: { ...verdict.data, ...accounts } };
    }
    default:
      return verdict;
  }
}

function withTerms<A extends object>(account: A): A {
  return 'kind' in account ? account : { ...OLD_TERMS, ...account };
}

interface NewVerdict extends IdKey {
  readonly answer: Answer;
  readonly json: string;
}

/**
 * Writes the answers where every later copy finds them, and every transfer of a posted group under its own id too. Where
 * another partition has met one of the ids in the meantime, it fails: see {@link lostRace}. Resolves with those of `unmarked`,
 * copies under ids of their own, that had come before.
 */
export async function insertVerdicts(
  tx: Transaction,
  answers: readonly Answer[],
  unmarked: readonly string[] = [],
): Promise<readonly string[]> {
  const rows = answers.flatMap((given) => [
    { ...idOfAnswer(given), answer: given, json: given.json },
    ...legRows(given),
  ]);
  const values = [
    ...idColumns(rows),
    hexArray(rows.map((row) => row.answer.keyed.contentHash)),
    uuidArray(rows.map((row) => uuidOf('event', row.answer.keyed.command.id))),
    uuidArray(rows.map((row) => uuidOf('event', row.answer.eventId))),
    rows.map((row) => row.answer.verdict.type),
    joinJson(rows.map((row) => row.json)),
  ];
  if (unmarked.length === 0) {
    await tx.count(INSERT, values);
    return [];
  }
  const passed = passedColumns('ledger.commands', unmarked);
  return cameBefore(unmarked, await tx.rows<{ event_id: string }>(INSERT_AND_PASS, [...values, ...passed]));
}

/** What a failed write means: an id that was not known when the batch began, and is now, makes it run again. */
export function lostRace(error: unknown): unknown {
  return isUniqueViolation(error) ? new RunAgain('another partition met the same id first') : error;
}

function idOfAnswer({ keyed: { tenant, livemode, kind, uuid } }: Answer): IdKey {
  return { tenant, livemode, kind, uuid };
}

function legRows(given: Answer): NewVerdict[] {
  if (given.verdict.type !== 'payflow.group.posted.v1') return [];
  return given.verdict.data.legs.map((leg) => ({
    ...transferKey(given.keyed, leg.id),
    answer: given,
    json: JSON.stringify(leg),
  }));
}

function idColumns(ids: readonly IdKey[]): unknown[] {
  return [
    uuidArray(ids.map(({ tenant }) => tenant)),
    ids.map(({ livemode }) => livemode),
    ids.map(({ kind }) => kind),
    uuidArray(ids.map(({ uuid }) => uuid)),
  ];
}
