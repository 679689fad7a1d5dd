import { createHash } from 'node:crypto';
import { idPattern, LEGS_MAX, newId } from '@payflow/contracts';
import { Problem, type FieldProblem } from '@payflow/service';
import type { GroupWrite, Write } from '../../acceptance/acceptable.js';
import type { BulkPlan, BulkTransfer } from '../../acceptance/bulk.js';
import type { BulkNames } from '../../acceptance/bulks.js';
import { slices } from '../../acceptance/slices.js';
import { BULK_MODES, type BulkMode, type BulkView, type ItemProblem } from '../../domain/bulk.js';
import { BULK_ITEMS_MAX, readItem, type BulkParts } from '../writes/bulk-body.js';
import type { Caller } from '../edge/caller.js';
import { canonicalInstant } from '../answers/instant.js';
import { byName } from '../writes/content-hash.js';
import { refuseOversized } from '../writes/command-size.js';
import { accountsOf, checkMovement } from './movement.js';
import { unitsAmong } from './named-asset.js';
import { bodyReader, checkClientId, judgedAlone, wrong } from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';
import {
  groupOf,
  LEG_REQUEST_SCHEMA,
  TERMS,
  TRANSFER_REQUEST_SCHEMA,
  transferOf,
  type LegRequest,
  type Terms,
} from './transfer.request.js';

/** A bulk without its items, which are read one by one. */
interface BulkHead extends Terms {
  readonly id?: string;
  readonly mode: BulkMode;
}

const MODE = { enum: BULK_MODES };
const ID = { type: 'string', pattern: idPattern('bulk') } as const;

export const BULK_REQUEST_SCHEMA = {
  type: 'object',
  required: ['mode', 'transfers'],
  additionalProperties: false,
  properties: {
    id: ID,
    mode: MODE,
    transfers: {
      type: 'array',
      minItems: 1,
      maxItems: BULK_ITEMS_MAX,
      items: judgedAlone(TRANSFER_REQUEST_SCHEMA),
      description: `At most ${LEGS_MAX} unless \`independent\`; terms then stand beside them, for all.`,
    },
    ...TERMS,
  },
} as const;

const readIndependent = bodyReader<BulkHead>(headSchema({}));
const readTogether = bodyReader<BulkHead>(headSchema(TERMS));
const readLeg = bodyReader<LegRequest & JsonObject>(LEG_REQUEST_SCHEMA);

function headSchema(terms: object): object {
  const properties = { id: ID, mode: MODE, transfers: { type: 'array', maxItems: 0 }, ...terms };
  return { type: 'object', required: ['mode', 'transfers'], additionalProperties: false, properties };
}

/** Who asks for a bulk, and what it is checked against. */
export interface BulkReading {
  readonly caller: Caller;
  readonly names: BulkNames;
  readonly now: Date;
}

type BulkHashes = Pick<BulkPlan, 'formerHash'> & { readonly contentHash: Buffer };

/** What is read of the items so far. */
interface Read {
  readonly transfers: (string | null)[];
  readonly problems: ItemProblem[];
}

/**
 * Checks a bulk and makes a plan of it, a slice of items at a time. Throws 400 and 422 for a bulk that is wrong as a whole;
 * `atomic` is by any of its items.
 */
export async function bulkPlan({ head, items }: BulkParts, reading: BulkReading): Promise<BulkPlan> {
  const { mode, id, ...others } = readHead(head);
  checkClientId('bulk', '/id', id);
  const terms = termsIn(others);
  const items_max = mode === 'independent' ? BULK_ITEMS_MAX : LEGS_MAX;
  if (items.length === 0) throw wrong('/transfers', 'too_few', 'Must hold at least one transfer.');
  if (items.length > items_max) throw wrong('/transfers', 'too_many', `At most ${items_max} in this mode.`);
  const plan = await planOf(mode, items, terms, reading);
  if (id === undefined) return plan;
  return { ...plan, view: { ...plan.view, id }, ...(await bulkHashes(mode, terms, items)) };
}

function planOf(mode: BulkMode, items: readonly Buffer[], terms: Terms, reading: BulkReading): Promise<BulkPlan> {
  switch (mode) {
    case 'independent':
      return independent(items, reading);
    case 'atomic':
      return atomic(items, terms, reading);
    case 'stop_on_first':
      return stopping(items, terms, reading);
    default:
      return mode satisfies never;
  }
}

/**
 * SHA-256 of a bulk: its terms by what they mean, its items as they were written, whatever stands between them. Hashes were once
 * taken of the terms as they were written, too, and are kept for ever: that one comes with it, where it is another.
 */
async function bulkHashes(mode: BulkMode, terms: Terms, items: readonly Buffer[]): Promise<BulkHashes> {
  const { conditions, effective_at, metadata = {} } = terms;
  const heads = [meantBy(terms), [conditions, effective_at]].map((said) =>
    JSON.stringify([mode, ...said, byName(metadata)]),
  );
  const digests = [...new Set(heads)].map((head) => createHash('sha256').update(head));
  for await (const slice of slices(items))
    for (const item of slice) {
      const text = `\n${item.toString().trim()}`;
      for (const digest of digests) digest.update(text);
    }
  const [contentHash, formerHash] = digests.map((digest) => digest.digest()) as [Buffer, Buffer?];
  return { contentHash, ...(formerHash ? { formerHash } : {}) };
}

/** Conditions and instant, however they were written. None at all is what it always was in a hash. */
function meantBy({ conditions = [], effective_at }: Terms): unknown[] {
  const meant = conditions.map(({ account, version = null, balance_gte = null, balance_lte = null }) => {
    return [account, version, balance_gte, balance_lte];
  });
  const instant = effective_at === undefined ? null : (canonicalInstant(effective_at) ?? effective_at);
  return [meant.length > 0 ? meant : null, instant];
}

/** What stands beside the mode and the items. */
function termsIn(head: object): Terms {
  return Object.fromEntries(Object.entries(head).filter(([name]) => Object.hasOwn(TERMS, name)));
}

function readHead(head: JsonObject): BulkHead {
  return head['mode'] === 'independent' ? readIndependent(head) : readTogether(head);
}

async function independent(items: readonly Buffer[], reading: BulkReading): Promise<BulkPlan> {
  const read: Read = { transfers: [], problems: [] };
  const asked = new Map<string, BulkTransfer>();
  for await (const slice of slices(items)) {
    const first = read.transfers.length;
    const told = await Promise.all(slice.map((item) => problemOr(() => readTransfer(item, reading))));
    told.forEach((outcome, at) => keep(read, asked, first + at, outcome));
  }
  return { view: viewOf('independent', read, reading), transfers: [...asked.values()], group: undefined };
}

/** The same id with the same content is one transfer, however often it is asked for. */
function keep(read: Read, asked: Map<string, BulkTransfer>, index: number, outcome: BulkTransfer | Problem): void {
  if (outcome instanceof Problem) return refuse(read, index, outcome);
  const { id } = outcome.write.view;
  const before = asked.get(id);
  if (before && !isSame(before, outcome)) return refuse(read, index, new Problem('id_reused'));
  if (!before) asked.set(id, outcome);
  read.transfers.push(id);
}

function isSame(a: BulkTransfer, b: BulkTransfer): boolean {
  return a.contentHash !== null && b.contentHash !== null && a.contentHash.equals(b.contentHash);
}

function refuse(read: Read, index: number, problem: Problem): void {
  read.transfers.push(null);
  read.problems.push(itemProblem(index, problem));
}

async function readTransfer(item: Buffer, { caller, names, now }: BulkReading): Promise<BulkTransfer> {
  const json = readItem(item);
  const write = transferOf(json, caller, now);
  refuseOversized(write, item.length);
  await checkNames(names, caller, write);
  return { write, contentHash: write.contentHash ?? null };
}

async function atomic(items: readonly Buffer[], terms: Terms, reading: BulkReading): Promise<BulkPlan> {
  const legs: LegRequest[] = [];
  for await (const slice of slices(items)) for (const item of slice) legs.push(inPlace(legs.length, () => legOf(item)));
  const group = await groupWrite(legs, terms, reading);
  const transfers = group.view.transfers.map(({ id }) => id);
  return { view: viewOf('atomic', { transfers, problems: [] }, reading), transfers: [], group };
}

/** Of what stands behind the first item that is wrong nothing is looked at: it will not be tried. */
async function stopping(items: readonly Buffer[], terms: Terms, reading: BulkReading): Promise<BulkPlan> {
  const legs: LegRequest[] = [];
  const ids = new Set<string>();
  let problem: Problem | undefined;
  for await (const slice of slices(items)) {
    const told = await Promise.all(slice.map((item) => problemOr(() => checkedLeg(item, reading))));
    for (const outcome of told) {
      problem = outcome instanceof Problem ? outcome : repeated(ids, outcome);
      if (problem) break;
      legs.push(outcome as LegRequest);
    }
    if (problem) break;
  }
  const group = legs.length > 0 ? stoppingGroup(await groupWrite(legs, terms, reading)) : undefined;
  const given = group?.view.transfers.map(({ id }) => id) ?? [];
  const transfers = items.map((_, index) => given[index] ?? null);
  const stopped = problem
    ? { stoppedAt: legs.length, problems: [itemProblem(legs.length, problem)] }
    : { problems: [] };
  return {
    view: { ...viewOf('stop_on_first', { transfers, problems: [] }, reading), ...stopped },
    transfers: [],
    group,
  };
}

function repeated(ids: Set<string>, { id }: LegRequest): Problem | undefined {
  if (id === undefined) return undefined;
  if (ids.has(id)) return new Problem('id_reused');
  ids.add(id);
  return undefined;
}

function stoppingGroup(group: GroupWrite): GroupWrite {
  return { ...group, command: { ...group.command, mode: 'stop_on_first' } };
}

function legOf(item: Buffer): LegRequest {
  const leg = readLeg(readItem(item));
  checkMovement('transfer', '', leg);
  return leg;
}

async function checkedLeg(item: Buffer, { caller, names }: BulkReading): Promise<LegRequest> {
  const leg = legOf(item);
  await checkNames(names, caller, { units: unitsAmong([['/asset', leg.asset]]), accounts: accountsOf('', leg) });
  return leg;
}

/** The units before the accounts, as at every other door. What the items of a slice name is looked up together. */
async function checkNames(
  names: BulkNames,
  caller: Caller,
  { units, accounts = [] }: Pick<Write, 'units' | 'accounts'>,
): Promise<void> {
  if (units) await names.units.check(caller, units);
  await names.accounts.checkAll(caller, accounts);
}

/** The one command of a bulk whose items belong together. A group calls them legs; here they are transfers. */
async function groupWrite(
  legs: readonly LegRequest[],
  terms: Terms,
  { caller, names, now }: BulkReading,
): Promise<GroupWrite> {
  try {
    const write = groupOf({ legs, ...terms }, caller, now);
    refuseOversized(write, Number.MAX_SAFE_INTEGER);
    await checkNames(names, caller, write);
    return write;
  } catch (error) {
    throw renamed(error, (pointer) => pointer.replace(/^\/legs(?=\/|$)/, '/transfers'));
  }
}

/** What is wrong with one item of a bulk that is refused as a whole stands at the item's place. */
function inPlace<T>(index: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw renamed(error, (pointer) => `/transfers/${index}${pointer}`);
  }
}

function renamed(error: unknown, rename: (pointer: string) => string): unknown {
  if (!(error instanceof Problem)) return error;
  const errors = error.options.errors ?? [{ pointer: '', code: error.code, detail: error.message }];
  const pointers = errors.map((one): FieldProblem => ({ ...one, pointer: rename(one.pointer) }));
  return new Problem(error.code, { ...error.options, errors: pointers });
}

function itemProblem(index: number, { code, options: { detail, errors } }: Problem): ItemProblem {
  return { index, code, ...(detail === undefined ? {} : { detail }), ...(errors ? { errors } : {}) };
}

/** The problem of an item as a value. What is no fault of the item stays an error of the whole. */
async function problemOr<T>(read: () => Promise<T>): Promise<T | Problem> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Problem && error.status < 500) return error;
    throw error;
  }
}

function viewOf(mode: BulkMode, { transfers, problems }: Read, { caller, now }: BulkReading): BulkView {
  const { tenant, livemode } = caller;
  const id = newId('bulk');
  return { tenant, livemode, id, mode, transfers, problems, stoppedAt: null, createdAt: now.toISOString() };
}
