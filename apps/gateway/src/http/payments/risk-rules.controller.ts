import { Controller, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { DATABASE, Problem, REPORTS } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RISK_RULES_PATH } from '../../acceptance/policy-replies.js';
import { Writes } from '../../acceptance/writes.js';
import { RISK_RULE_VIEWS } from '../../database/policy-views.js';
import { foundOrRequested } from '../../database/requested.repository.js';
import { requestedRiskRule, riskRuleResource } from '../../domain/limit.js';
import { sendAnswer, sendVersioned } from '../answers/answer.js';
import { callerOf, type RouteAccess } from '../edge/authentication.js';
import { Cursors } from '../lists/cursor.js';
import { ifVersionOf } from '../edge/headers.js';
import { RISK_RULE_FILTERS } from './limit-filters.js';
import { madeBy } from './limit.request.js';
import { refuseParameters } from '../lists/list-query.js';
import { sendPage } from '../lists/list-page.js';
import { CachedView } from '../answers/response-cache.js';
import { riskRuleWrite } from './risk-rule.request.js';
import { submitRequest } from '../writes/write-request.js';

/** Which payments are refused, reviewed or let pass. */
@Controller('api/v1/risk_rules')
export class RiskRulesController {
  constructor(
    private readonly writes: Writes,
    @Inject(DATABASE) private readonly db: Database,
    @Inject(REPORTS) private readonly lists: Database,
    private readonly cursors: Cursors,
  ) {}

  @Post()
  @RouteConfig({ scope: 'limits:write' } satisfies RouteAccess)
  async define(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const ifVersion = ifVersionOf(request.headers['if-match']);
    const { write, answer } = await submitRequest(this.writes, request, reply, (body, caller, now) =>
      riskRuleWrite(ifVersion, body, caller, now),
    );
    const { command, commandId } = write;
    // A copy joins the first: what that one makes has its command's UUID.
    const isOwn = answer.kind !== 'accepted' || answer.resourceId === commandId;
    const id =
      isOwn || command.id !== madeBy('riskRule', commandId as string)
        ? command.id
        : madeBy('riskRule', answer.resourceId);
    const body = JSON.stringify(requestedRiskRule({ ...command, id }));
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
    refuseParameters(request.url);
    if (!toUuid('riskRule', id)) throw new Problem('invalid_id');
    const { tenant, livemode } = callerOf(request);
    const known = await foundOrRequested(
      this.db,
      { type: 'payflow.risk_rule.define.v1', owner: { tenant, livemode }, id },
      () => RISK_RULE_VIEWS.find(this.db, { tenant, livemode, id }),
    );
    if (!known) throw new Problem('not_found');
    const body = 'found' in known ? riskRuleResource(known.found) : requestedRiskRule(known.requested);
    sendVersioned(request, reply, { body, version: body.version });
  }
}
