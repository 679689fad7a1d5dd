import { Controller, Get, Header, Inject, Param, Req, UseGuards, UseInterceptors } from '@nestjs/common';
import { toUuid, uuidOf } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { ForwardedReads, InternalGuard, RequiresScope, claimsOf } from '@payflow/invariants';
import { DATABASE, Problem } from '@payflow/service';
import type { FastifyRequest } from 'fastify';
import type { InclusionProof } from '../proof/inclusion-proof.js';
import { prove } from '../proof/prove.js';

/** Proofs that transfers stand in the signed history; the gateway forwards to it. */
@Controller('api/v1/transfers')
@UseGuards(InternalGuard)
@UseInterceptors(ForwardedReads)
@RequiresScope('transfers:read')
export class ProofController {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  @Get(':id/proof')
  @Header('cache-control', 'no-store')
  async proof(@Param('id') id: string, @Req() request: FastifyRequest): Promise<InclusionProof> {
    const transfer = toUuid('transfer', id);
    if (transfer === undefined) throw new Problem('invalid_id');
    const { tenant, livemode } = claimsOf(request);
    const proving = await prove(this.db, { tenant: uuidOf('tenant', tenant), livemode, transfer });
    switch (proving.kind) {
      case 'proven':
        return proving.proof;
      case 'not_found':
        throw new Problem('not_found');
      case 'not_sealed':
        throw new Problem('transfer_not_sealed');
      default:
        return proving satisfies never;
    }
  }
}
