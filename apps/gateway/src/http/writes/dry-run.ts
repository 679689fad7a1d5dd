import { Inject, Injectable } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { DATABASE, Problem } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type {
  ConversionWrite,
  CorrectionWrite,
  GroupWrite,
  HoldPostWrite,
  HoldVoidWrite,
  HoldWrite,
  PostWrite,
  ReversalWrite,
} from '../../acceptance/acceptable.js';
import { Writes } from '../../acceptance/writes.js';
import { findHold } from '../../database/hold-view.repository.js';
import { isAnyTaken } from '../../database/transfer-view.repository.js';
import { sendResource } from '../answers/answer.js';
import { callerOf } from '../edge/authentication.js';
import type { Caller } from '../edge/caller.js';
import { refuseOversized } from './command-size.js';
import { bodyOf } from '../edge/edge.js';
import type { JsonObject } from '../edge/strict-json.js';
import { idempotencyKeyOf, waitOf } from '../edge/headers.js';
import { LEDGER } from '../ledger/ledger-reads.controller.js';
import { refuseParameters } from '../lists/list-query.js';
import type { OwnerClient } from '../owner/owner-client.js';
import { stepAside } from '../../load/admission.js';
import { isDryRun } from './request-body.js';

/** What can be tried: all that moves money at once, and what sets it aside or ends that. */
type TriableWrite =
  | PostWrite
  | GroupWrite
  | ConversionWrite
  | ReversalWrite
  | CorrectionWrite
  | HoldWrite
  | HoldPostWrite
  | HoldVoidWrite;

/** Makes a write of a body, as where it is meant. */
type Read = (body: JsonObject, caller: Caller, now: Date) => TriableWrite | Promise<TriableWrite>;

/** What the ledger would say, as far as it is looked at here. */
interface LedgerAnswer {
  readonly failure: { readonly code: string; readonly leg: number | null } | null;
  /** Of what is done about one; null where nothing would be. */
  readonly hold?: { readonly id: string } | null;
  readonly transfers: readonly { readonly id: string }[];
  readonly accounts: readonly object[];
}

/** What is asked for only to see what would come of it. It leaves nothing behind, here or in the ledger. */
@Injectable()
export class DryRuns {
  constructor(
    private readonly writes: Writes,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(LEDGER) private readonly ledger: OwnerClient,
  ) {}

  /** Answers a request that only asks, or throws what it would be refused with at the door. False: the request means it. */
  async answers(request: FastifyRequest, reply: FastifyReply, read: Read): Promise<boolean> {
    if (!isDryRun(bodyOf(request).json)) return false;
    sendResource(reply, await this.answer(request, read));
    return true;
  }

  private async answer(request: FastifyRequest, read: Read): Promise<string> {
    refuseHeaders(request);
    refuseParameters(request.url);
    const caller = callerOf(request);
    const { bytes, json } = bodyOf(request);
    const write = await read(json, caller, new Date());
    refuseOversized(write, bytes.length);
    await this.writes.check(write);
    if (write.objection) throw write.objection;
    if (await this.isTaken(write)) throw new Problem('id_reused');
    // It waits for the ledger and moves nothing: what does may have its place.
    stepAside(request);
    const question = { type: write.type, data: write.command };
    const answer = (await this.ledger.ask(pathOf(write), question, caller, request.id)) as LedgerAnswer;
    // If-Match is a header's condition, whoever finds that it is not met.
    if (answer.failure?.code === 'version_differs') throw new Problem('version_differs');
    return JSON.stringify(toldOf(write, shownTo(caller, answer), namedIn(write, json)));
  }

  /** Whether an id of what it makes is in use here, by whatever became of it. */
  private async isTaken(write: TriableWrite): Promise<boolean> {
    switch (write.kind) {
      case 'transfer':
        return isAnyTaken(this.db, write.view, { transfers: [write.view.id], group: null });
      case 'group': {
        const transfers = write.view.transfers.map(({ id }) => id);
        return isAnyTaken(this.db, write.view, { transfers, group: write.view.id });
      }
      case 'hold':
        return (await findHold(this.db, write.view)) !== undefined;
      case 'change':
        return false;
      default:
        return write satisfies never;
    }
  }
}

/** Where the ledger is asked: each scope has a path of its own. */
function pathOf({ type }: TriableWrite): string {
  return type.startsWith('payflow.hold.') ? '/api/v1/holds/dry_run' : '/api/v1/transfers/dry_run';
}

/** It needs no key and waits for nothing; what it brings of either is read as it will be when it is meant. */
function refuseHeaders({ headers }: FastifyRequest): void {
  const { 'idempotency-key': key, prefer } = headers;
  if (key !== undefined) idempotencyKeyOf(key);
  waitOf(prefer);
}

/** What is in an account is for who may read accounts: the ledger, which is asked in the caller's name, tells all that it found. */
function shownTo({ scopes }: Caller, answer: LedgerAnswer): LedgerAnswer {
  return scopes.includes('accounts:read') ? answer : { ...answer, accounts: [] };
}

/** Ids that were made up for the question mean nothing, and of a transfer asked for alone, no leg is at fault. */
function toldOf({ kind }: TriableWrite, answer: LedgerAnswer, named: ReadonlySet<unknown>): object {
  const withKnownId = <T extends { readonly id: string }>(one: T) => ({
    ...one,
    id: named.has(one.id) ? one.id : null,
  });
  const { failure, hold, transfers } = answer;
  return {
    ...answer,
    failure: failure && { code: failure.code, leg: kind === 'group' ? failure.leg : null },
    ...(hold === undefined ? {} : { hold: hold && withKnownId(hold) }),
    transfers: transfers.map(withKnownId),
  };
}

/** The ids that the client gave, and that of the hold which is to be ended. */
function namedIn(write: TriableWrite, json: { readonly id?: unknown; readonly legs?: unknown }): ReadonlySet<unknown> {
  const legs = (json.legs ?? []) as readonly { readonly id?: unknown }[];
  const ended =
    write.type === 'payflow.hold.post.v1'
      ? [write.command.hold]
      : write.type === 'payflow.hold.void.v1'
        ? [write.command.id]
        : [];
  return new Set([json.id, ...legs.map(({ id }) => id), ...ended]);
}
