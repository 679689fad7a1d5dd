import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { Database } from '@payflow/database';
import { Problem, REPORTS } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  HISTORY_ACCOUNTS_MAX,
  historyAccounts,
  listHistory,
  type HistoryFilter,
} from '../../database/history.repository.js';
import type { Owner } from '../../database/keys.js';
import type { Page } from '../../database/list-statement.js';
import { historyResource, type HistoryEntry } from '../../domain/history.js';
import type { RouteAccess } from '../edge/authentication.js';
import { Cursors } from '../lists/cursor.js';
import { HISTORY_FILTERS } from '../lists/list-filters.js';
import { sendPage } from '../lists/list-page.js';

/** What happened on an account, or on all below a path, as people read it: payments, transfers, holds, refunds, disputes. */
@Controller('api/v1/transactions')
export class TransactionsController {
  constructor(
    @Inject(REPORTS) private readonly lists: Database,
    private readonly cursors: Cursors,
  ) {}

  @Get()
  @RouteConfig({ scope: 'accounts:read' } satisfies RouteAccess)
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await sendPage(request, reply, this.cursors, {
      name: 'transactions',
      filters: HISTORY_FILTERS,
      read: (owner, page) => this.read(owner, page),
      resource: historyResource,
      columns: 'Transaction',
    });
  }

  private async read(owner: Owner, page: Page<HistoryFilter>): Promise<HistoryEntry[]> {
    const { account, path } = page.filter;
    if ((account === undefined) === (path === undefined))
      throw refused('account', 'missing', 'Give either `account` or `path`.');
    const accounts = await historyAccounts(this.lists, owner, page.filter);
    if (accounts.length === 0 && account !== undefined) throw new Problem('not_found');
    if (accounts.length > HISTORY_ACCOUNTS_MAX)
      throw refused('path', 'too_wide', `There are more than ${HISTORY_ACCOUNTS_MAX} accounts below it.`);
    return listHistory(this.lists, owner, accounts, page);
  }
}

function refused(pointer: string, code: string, detail: string): Problem {
  return new Problem('invalid_parameter', { errors: [{ pointer, code, detail }] });
}
