import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { Database } from '@payflow/database';
import { REPORTS } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { listAuditEntries } from '../../database/audit.repository.js';
import { auditResource } from '../../domain/audit.js';
import { AUDIT_FILTERS } from './audit-filters.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { Cursors } from '../lists/cursor.js';
import { sendPage } from '../lists/list-page.js';

/** Who changed what, when, from where, and what it was before. */
@Controller('api/v1/audit_log')
export class AuditController {
  constructor(
    @Inject(REPORTS) private readonly lists: Database,
    private readonly cursors: Cursors,
  ) {}

  @Get()
  @RouteConfig({ scope: 'audit:read' } satisfies RouteAccess)
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { organisation: tenant, livemode } = callerOf(request);
    await sendPage(request, reply, this.cursors, {
      name: 'audit_log',
      filters: AUDIT_FILTERS,
      read: (_, page) => listAuditEntries(this.lists, { tenant, livemode }, page),
      resource: auditResource,
      columns: 'AuditEntry',
    });
  }
}
