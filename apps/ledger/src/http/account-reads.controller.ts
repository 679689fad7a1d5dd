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
import { ForwardedReads, InternalGuard, ReadPriority, RequiresScope, claimsOf } from '@payflow/invariants';
import { AMOUNT_MAX } from '@payflow/money';
import { DATABASE, Problem, REPORTS } from '@payflow/service';
import type { FastifyRequest } from 'fastify';
import type { OwnedAccount } from '../database/balance.repository.js';
import { accountBalance } from '../reads/account-balance.js';
import { accountHistory, parsePlace } from '../reads/account-history.js';
import { accountStatement, parsePageEnd } from '../reads/account-statement.js';
import { accountAggregate } from '../reads/trial-balance.js';
import { metadataHistory } from '../reads/metadata-history.js';
import {
  amount,
  basis,
  id,
  instant,
  kind,
  limit,
  LIMIT_DEFAULT,
  members,
  metadataQuery,
  optional,
  path,
  required,
  typeName,
  type Query,
} from './read-query.js';

/** What only the ledger can tell of an account; the gateway forwards to it. */
@Controller('api/v1/accounts')
@UseGuards(InternalGuard)
@UseInterceptors(ForwardedReads)
@RequiresScope('accounts:read')
export class AccountReadsController {
  constructor(
    @Inject(DATABASE) private readonly db: Database,
    @Inject(REPORTS) private readonly reports: Database,
  ) {}

  @Get('aggregate')
  @Header('cache-control', 'no-store')
  aggregate(@Req() request: FastifyRequest, @QueryOf() query: Query): Promise<object> {
    return accountAggregate(this.reports, claimsOf(request), required(query, 'path', path));
  }

  @Get(':id/balance')
  @ReadPriority(1)
  @Header('cache-control', 'no-store')
  async balance(@Param('id') of: string, @Req() request: FastifyRequest, @QueryOf() query: Query): Promise<object> {
    const at = optional(query, 'as_of', instant);
    return found(
      await accountBalance(this.db, owned(request, of), { at, basis: optional(query, 'basis', basis) ?? 'recorded' }),
    );
  }

  @Get(':id/statement')
  @Header('cache-control', 'no-store')
  async statement(@Param('id') of: string, @Req() request: FastifyRequest, @QueryOf() query: Query): Promise<object> {
    return found(
      await accountStatement(this.reports, owned(request, of), {
        from: optional(query, 'from', instant),
        to: optional(query, 'to', instant),
        basis: optional(query, 'basis', basis) ?? 'recorded',
        limit: optional(query, 'limit', limit) ?? LIMIT_DEFAULT,
        after: optional(query, 'after', parsePageEnd),
      }),
    );
  }

  @Get(':id/metadata_versions')
  @Header('cache-control', 'no-store')
  async metadata(@Param('id') of: string, @Req() request: FastifyRequest, @QueryOf() query: Query): Promise<object> {
    return found(await metadataHistory(this.db, { ...owned(request, of), of: 'account' }, metadataQuery(query)));
  }

  @Get(':id/transfers')
  @Header('cache-control', 'no-store')
  async transfers(@Param('id') of: string, @Req() request: FastifyRequest, @QueryOf() query: Query): Promise<object> {
    return found(
      await accountHistory(this.reports, owned(request, of), {
        filter: {
          group: optional(query, 'group', id('group')),
          kind: optional(query, 'kind', kind),
          type: optional(query, 'type', typeName),
          metadata: optional(query, 'metadata', members),
          amountGte: optional(query, 'amount[gte]', amount) ?? 0n,
          amountLte: optional(query, 'amount[lte]', amount) ?? AMOUNT_MAX,
          createdGte: optional(query, 'created[gte]', instant) ?? '-infinity',
          createdLt: optional(query, 'created[lt]', instant) ?? 'infinity',
        },
        limit: optional(query, 'limit', limit) ?? LIMIT_DEFAULT,
        after: optional(query, 'after', parsePlace),
      }),
    );
  }
}

function owned(request: FastifyRequest, of: string): OwnedAccount {
  if (!toUuid('account', of)) throw new Problem('invalid_id');
  return { owner: claimsOf(request), id: of };
}

function found(answer: object | undefined): object {
  if (!answer) throw new Problem('not_found');
  return answer;
}
