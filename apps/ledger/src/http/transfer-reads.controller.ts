import {
  Body,
  Controller,
  Get,
  Header,
  HttpCode,
  Inject,
  Param,
  Post,
  Query as QueryOf,
  Req,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { ForwardedReads, InternalGuard, RequiresScope, claimsOf } from '@payflow/invariants';
import { DATABASE, Problem } from '@payflow/service';
import type { FastifyRequest } from 'fastify';
import { findTransfer, findTransfers, type TransferFacts } from '../database/booked-transfer.repository.js';
import { metadataHistory } from '../reads/metadata-history.js';
import { metadataQuery, type Query } from './read-query.js';

/** A page of payments has as many, and as many refunds as that. */
const TRANSFERS_MAX = 1_000;

/** What the ledger alone can tell of a transfer, that of a payment among them; the gateway forwards to it. */
@Controller('api/v1/transfers')
@UseGuards(InternalGuard)
@UseInterceptors(ForwardedReads)
@RequiresScope('transfers:read')
export class TransferReadsController {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  @Get(':id')
  @Header('cache-control', 'no-store')
  async one(@Param('id') id: string, @Req() request: FastifyRequest): Promise<object> {
    if (!toUuid('transfer', id)) throw new Problem('invalid_id');
    const facts = await findTransfer(this.db, claimsOf(request), id);
    if (!facts) throw new Problem('not_found');
    return transferResource(facts);
  }

  /** Many at once. A read, though its question is too long for an address. */
  @Post('found')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async many(@Req() request: FastifyRequest, @Body() body: unknown): Promise<object> {
    const { ids } = (body ?? {}) as { readonly ids?: unknown };
    if (!Array.isArray(ids) || ids.length > TRANSFERS_MAX || !ids.every(isTransferId))
      throw new Problem('invalid_request');
    return { data: (await findTransfers(this.db, claimsOf(request), ids)).map(transferResource) };
  }

  @Get(':id/metadata_versions')
  @Header('cache-control', 'no-store')
  async metadata(@Param('id') id: string, @Req() request: FastifyRequest, @QueryOf() query: Query): Promise<object> {
    if (!toUuid('transfer', id)) throw new Problem('invalid_id');
    const page = await metadataHistory(this.db, { owner: claimsOf(request), of: 'transfer', id }, metadataQuery(query));
    if (!page) throw new Problem('not_found');
    return page;
  }
}

function isTransferId(id: unknown): id is string {
  return typeof id === 'string' && toUuid('transfer', id) !== undefined;
}

function transferResource(facts: TransferFacts) {
  return {
    id: facts.id,
    object: 'transfer',
    status: 'posted',
    debit_account: facts.debitAccount,
    credit_account: facts.creditAccount,
    amount: facts.amount.toString(),
    asset: facts.asset,
    payment: facts.payment,
    group: facts.group,
    hold: facts.hold,
    reverses: facts.reverses,
    reversed: facts.reversed.toString(),
    corrects: facts.corrects,
    corrected_by: facts.correctedBy,
    version: facts.version,
    effective_at: facts.effectiveAt.toISOString(),
    recorded_at: facts.recordedAt.toISOString(),
  };
}
