import { Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { Database } from '@payflow/database';
import { isUnitCode } from '@payflow/money';
import { DATABASE, Problem } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ASSETS_PATH } from '../../acceptance/replies.js';
import { Writes } from '../../acceptance/writes.js';
import { GatewayCaches } from '../../cache/gateway-caches.js';
import type { ResourceKey } from '../../database/keys.js';
import { foundOrRequested } from '../../database/requested.repository.js';
import { listUnits } from '../../database/unit-view.repository.js';
import { COMMON_ASSETS, unitResource, type AssetResource } from '../../domain/asset.js';
import { sendAnswer, sendResource, sendVersioned } from '../answers/answer.js';
import { assetWrite } from './asset.request.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { refuseIfMatch } from '../edge/headers.js';
import type { Exported } from '../lists/export.js';
import { sendForm } from '../lists/list-page.js';
import { refuseParameters } from '../lists/list-query.js';
import { formFor } from '../lists/other-forms.js';
import { submitRequest } from '../writes/write-request.js';

const ASSETS: Exported = { name: 'assets', resource: 'Asset' };
/** An asset never changes. */
const ONLY_VERSION = 1;

@Controller('api/v1/assets')
export class AssetsController {
  constructor(
    private readonly writes: Writes,
    @Inject(DATABASE) private readonly db: Database,
    private readonly caches: GatewayCaches,
  ) {}

  @Post()
  @RouteConfig({ scope: 'accounts:admin' } satisfies RouteAccess)
  async define(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseIfMatch(request.headers['if-match']);
    const { write, answer } = await submitRequest(this.writes, request, reply, assetWrite);
    const { id: code, scale, name, created_at: createdAt } = write.command;
    sendAnswer(reply, answer, () => ({
      location: `${ASSETS_PATH}/${code}`,
      body: JSON.stringify(unitResource({ code, scale, name, createdAt })),
    }));
  }

  /** Whole: those that everybody has are a constant, and the ledger bounds the number of the others. */
  @Get()
  @RouteConfig({ scope: 'any' } satisfies RouteAccess)
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    const { tenant, livemode } = callerOf(request);
    const units = await listUnits(this.db, { tenant, livemode });
    const data: AssetResource[] = [...COMMON_ASSETS.values(), ...units.map(unitResource)];
    const form = formFor(request, reply);
    if (form) sendForm(reply, request.url, { form, exported: ASSETS }, { shown: data, next_cursor: null });
    else sendResource(reply, JSON.stringify({ data, next_cursor: null }));
  }

  @Get(':id')
  @RouteConfig({ scope: 'any' } satisfies RouteAccess)
  async one(@Param('id') code: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    refuseParameters(request.url);
    const { tenant, livemode } = callerOf(request);
    const body = COMMON_ASSETS.get(code) ?? (await this.unit({ tenant, livemode, id: code }));
    if (!body) throw new Problem('not_found');
    sendVersioned(request, reply, { body, version: ONLY_VERSION });
  }

  private async unit(key: ResourceKey): Promise<AssetResource | undefined> {
    if (!isUnitCode(key.id)) return undefined;
    const known = await foundOrRequested(this.db, { type: 'payflow.asset.define.v1', owner: key, id: key.id }, () =>
      this.caches.assets.get(key),
    );
    if (!known) return undefined;
    if ('found' in known) return unitResource(known.found);
    const { id: code, scale, name, created_at: createdAt } = known.requested;
    return unitResource({ code, scale, name, createdAt });
  }
}
