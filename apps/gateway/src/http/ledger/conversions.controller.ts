import { Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { DATABASE, Problem, REPORTS } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CONVERSIONS_PATH } from '../../acceptance/replies.js';
import { Writes } from '../../acceptance/writes.js';
import { listConversions } from '../../database/conversion-list.repository.js';
import type { ResourceKey } from '../../database/keys.js';
import { findTransferGroup } from '../../database/transfer-group-view.repository.js';
import { conversionResource, isConversion, type ConversionView } from '../../domain/conversion.js';
import { versionOfGroup } from '../../domain/transfer.js';
import { sendAnswer, sendVersioned } from '../answers/answer.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { refuseIfMatch } from '../edge/headers.js';
import { Cursors } from '../lists/cursor.js';
import { conversionWrite } from './conversion.request.js';
import { CONVERSION_FILTERS } from '../lists/list-filters.js';
import { sendPage } from '../lists/list-page.js';
import { refuseParameters } from '../lists/list-query.js';
import { CachedView } from '../answers/response-cache.js';
import { DryRuns } from '../writes/dry-run.js';
import { submitRequest } from '../writes/write-request.js';

/** A conversion is the group of its two transfers, and has the group's id. */
@Controller('api/v1/conversions')
export class ConversionsController {
  constructor(
    private readonly writes: Writes,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(REPORTS) private readonly lists: Database,
    private readonly cursors: Cursors,
    private readonly dryRuns: DryRuns,
  ) {}

  @Post()
  @RouteConfig({ scope: 'transfers:write' } satisfies RouteAccess)
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseIfMatch(request.headers['if-match']);
    if (await this.dryRuns.answers(request, reply, conversionWrite)) return;
    const { write, answer } = await submitRequest(this.writes, request, reply, conversionWrite);
    const { view } = write;
    // What has not ended is shown as it was accepted, another copy's as it stands.
    const id = answer.kind === 'accepted' ? answer.resourceId : view.id;
    const standing = id === view.id ? view : ((await this.find({ ...view, id })) ?? view);
    sendAnswer(reply, answer, () => ({
      location: `${CONVERSIONS_PATH}/${standing.id}`,
      body: JSON.stringify(conversionResource(standing)),
    }));
  }

  @Get(':id')
  @RouteConfig({ scope: 'transfers:read' } satisfies RouteAccess)
  @CachedView()
  async one(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    if (!toUuid('group', id)) throw new Problem('invalid_id');
    const { tenant, livemode } = callerOf(request);
    const view = await this.find({ tenant, livemode, id });
    if (!view) throw new Problem('not_found');
    sendVersioned(request, reply, { body: conversionResource(view), version: versionOfGroup(view) });
  }

  @Get()
  @RouteConfig({ scope: 'transfers:read' } satisfies RouteAccess)
  @CachedView()
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await sendPage(request, reply, this.cursors, {
      name: 'conversions',
      filters: CONVERSION_FILTERS,
      read: (owner, page) => listConversions(this.lists, owner, page),
      resource: conversionResource,
      columns: 'Conversion',
    });
  }

  private async find(key: ResourceKey): Promise<ConversionView | undefined> {
    const view = await findTransferGroup(this.db, key);
    return view && isConversion(view) ? view : undefined;
  }
}
