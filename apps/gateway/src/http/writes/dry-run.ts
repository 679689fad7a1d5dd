import { Inject, Injectable } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { DATABASE, Problem } from '@payflow/service';
import type { FastifyRequest } from 'fastify';
import type { GroupWrite, PostWrite } from '../../acceptance/acceptable.js';
import { Writes } from '../../acceptance/writes.js';
import { findType } from '../../database/transaction-type-view.repository.js';
import { isAnyTaken } from '../../database/transfer-view.repository.js';
import { callerOf } from '../edge/authentication.js';
import type { Caller } from '../edge/caller.js';
import { refuseOversized } from './command-size.js';
import { bodyOf } from '../edge/edge.js';
import type { JsonObject } from '../edge/strict-json.js';
import { idempotencyKeyOf, waitOf } from '../edge/headers.js';
import { LEDGER } from '../ledger/ledger-reads.controller.js';
import { refuseParameters } from '../lists/list-query.js';
import type { OwnerClient } from '../owner/owner-client.js';
import { namesTemplate, templateWrite } from '../ledger/template.request.js';
import { transferWrite } from '../ledger/transfer.request.js';

const PATH = '/api/v1/transfers/dry_run';

/** What the ledger would say, as far as it is looked at here. */
interface LedgerAnswer {
  readonly failure: { readonly code: string; readonly leg: number | null } | null;
  readonly transfers: readonly { readonly id: string }[];
  readonly accounts: readonly object[];
}

/** Transfers that are asked for to see what would come of them. They leave nothing behind, here or in the ledger. */
@Injectable()
export class DryRuns {
  constructor(
    private readonly writes: Writes,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(LEDGER) private readonly ledger: OwnerClient,
  ) {}

  /** The answer to a request, as JSON. Throws what the same request would be refused with at the door. */
  async answer(request: FastifyRequest): Promise<string> {
    refuseHeaders(request);
    refuseParameters(request.url);
    const caller = callerOf(request);
    const { bytes, json } = bodyOf(request);
    const write = await this.writeOf(request, json);
    refuseOversized(write, bytes.length);
    await this.writes.check(write);
    if (await isAnyTaken(this.db, write.view, takenBy(write))) throw new Problem('id_reused');
    const answer = await this.ledger.ask(PATH, write.command, caller, request.id);
    return JSON.stringify(toldOf(write, shownTo(caller, answer as LedgerAnswer), givenIds(json)));
  }

  /** Of a template, what it comes to as it is in force now. */
  private async writeOf(request: FastifyRequest, json: JsonObject): Promise<PostWrite | GroupWrite> {
    const caller = callerOf(request);
    const now = new Date();
    if (!namesTemplate(request)) return transferWrite(json, caller, now);
    const { tenant, livemode } = caller;
    return templateWrite((id) => findType(this.db, { tenant, livemode, id }), json, caller, now);
  }
}

/** It needs no key and waits for nothing; what it brings of either is read as it will be when it is meant. */
function refuseHeaders({ headers }: FastifyRequest): void {
  const { 'idempotency-key': key, prefer } = headers;
  if (key !== undefined) idempotencyKeyOf(key);
  waitOf(prefer);
}

function takenBy(write: PostWrite | GroupWrite): {
  readonly transfers: readonly string[];
  readonly group: string | null;
} {
  if (write.kind === 'transfer') return { transfers: [write.view.id], group: null };
  return { transfers: write.view.transfers.map(({ id }) => id), group: write.view.id };
}

/** What is in an account is for who may read accounts: the ledger, which is asked in the caller's name, tells all that it found. */
function shownTo({ scopes }: Caller, answer: LedgerAnswer): LedgerAnswer {
  return scopes.includes('accounts:read') ? answer : { ...answer, accounts: [] };
}

/** Ids that were made up for the question mean nothing, and of a transfer asked for alone, no leg is at fault. */
function toldOf(write: PostWrite | GroupWrite, { failure, transfers, ...answer }: LedgerAnswer, given: Set<unknown>) {
  return {
    ...answer,
    failure: failure && { code: failure.code, leg: write.kind === 'group' ? failure.leg : null },
    transfers: transfers.map((transfer) => ({ ...transfer, id: given.has(transfer.id) ? transfer.id : null })),
  };
}

function givenIds(json: { readonly id?: unknown; readonly legs?: unknown }): Set<unknown> {
  const legs = (json.legs ?? []) as readonly { readonly id?: unknown }[];
  return new Set([json.id, ...legs.map(({ id }) => id)]);
}
