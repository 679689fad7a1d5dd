import {
  Controller,
  Get,
  Header,
  Inject,
  Param,
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
import { findTransfer, type TransferFacts } from '../database/booked-transfer.repository.js';
import { metadataHistory } from '../reads/metadata-history.js';
import { metadataQuery, type Query } from './read-query.js';

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

  @Get(':id/metadata_versions')
  @Header('cache-control', 'no-store')
  async metadata(@Param('id') id: string, @Req() request: FastifyRequest, @QueryOf() query: Query): Promise<object> {
    if (!toUuid('transfer', id)) throw new Problem('invalid_id');
    const page = await metadataHistory(this.db, { owner: claimsOf(request), of: 'transfer', id }, metadataQuery(query));
    if (!page) throw new Problem('not_found');
    return page;
  }
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
