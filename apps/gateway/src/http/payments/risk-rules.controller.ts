import { Controller, Delete, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { Database } from '@payflow/database';
import { DATABASE, REPORTS } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RISK_RULES_PATH } from '../../acceptance/policy-replies.js';
import { Writes } from '../../acceptance/writes.js';
import { RISK_RULE_VIEWS } from '../../database/policy-views.js';
import { requestedRiskRule, riskRuleResource } from '../../domain/limit.js';
import { sendAnswer } from '../answers/answer.js';
import type { RouteAccess } from '../edge/authentication.js';
import { Cursors } from '../lists/cursor.js';
import { ifVersionOf } from '../edge/headers.js';
import { Definitions } from './definitions.js';
import { RISK_RULE_FILTERS } from './limit-filters.js';
import { sendPage } from '../lists/list-page.js';
import { CachedView } from '../answers/response-cache.js';
import { riskRuleWrite } from './risk-rule.request.js';
import { submitRequest } from '../writes/write-request.js';

/** Which payments are refused, reviewed or let pass. */
@Controller('api/v1/risk_rules')
export class RiskRulesController {
  readonly #definitions;

  constructor(
    private readonly writes: Writes,
    @Inject(DATABASE) db: Database,
    @Inject(REPORTS) private readonly lists: Database,
    private readonly cursors: Cursors,
  ) {
    this.#definitions = new Definitions(writes, db, {
      ...({ kind: 'riskRule', path: RISK_RULES_PATH } as const),
      ...({ defined: 'payflow.risk_rule.define.v1', deleted: 'payflow.risk_rule.delete.v1' } as const),
      ...{ views: RISK_RULE_VIEWS, shown: riskRuleResource, requested: requestedRiskRule },
    });
  }

  @Post()
  @RouteConfig({ scope: 'limits:write' } satisfies RouteAccess)
  async define(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const ifVersion = ifVersionOf(request.headers['if-match']);
    const { write, answer } = await submitRequest(this.writes, request, reply, (body, caller, now) =>
      riskRuleWrite(ifVersion, body, caller, now),
    );
    const id = this.#definitions.idOf(write, answer);
    const body = JSON.stringify(requestedRiskRule({ ...write.command, id }));
    sendAnswer(reply, answer, () => ({ location: `${RISK_RULES_PATH}/${id}`, body }));
  }

  @Get()
  @RouteConfig({ scope: 'limits:read' } satisfies RouteAccess)
  @CachedView()
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await sendPage(request, reply, this.cursors, {
      name: 'risk_rules',
      filters: RISK_RULE_FILTERS,
      read: (owner, page) => RISK_RULE_VIEWS.list(this.lists, owner, page),
      resource: ({ content }) => riskRuleResource(content),
      columns: 'RiskRule',
    });
  }

  @Get(':id')
  @RouteConfig({ scope: 'limits:read' } satisfies RouteAccess)
  @CachedView()
  async one(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.#definitions.one(id, request, reply);
  }

  @Delete(':id')
  @RouteConfig({ scope: 'limits:write', bodyOptional: true } satisfies RouteAccess)
  async delete(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.#definitions.delete(id, request, reply);
  }
}
