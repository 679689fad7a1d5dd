import {
  idPattern,
  newId,
  RISK_VERDICTS,
  RULE_CONDITIONS,
  RULE_PRIORITY_MAX,
  type RiskVerdict,
  type RuleConditions,
} from '@payflow/contracts';
import type { RiskRuleWrite } from '../../acceptance/acceptable.js';
import type { Caller } from '../edge/caller.js';
import { madeBy } from './definition.request.js';
import { checkAssetCode, unitsAmong } from '../ledger/named-asset.js';
import { amountOf, bodyReader, checkClientId, wrong } from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';

/** `POST /api/v1/risk_rules` */
interface RiskRuleRequest {
  readonly id?: string;
  readonly priority: number;
  readonly verdict: RiskVerdict;
  readonly reason: string;
  readonly conditions?: RuleConditions;
  readonly enabled?: boolean;
}

export const RISK_RULE_REQUEST_SCHEMA = {
  type: 'object',
  required: ['priority', 'verdict', 'reason'],
  additionalProperties: false,
  properties: {
    id: { type: 'string', pattern: idPattern('riskRule') },
    priority: { type: 'integer', minimum: 0, maximum: RULE_PRIORITY_MAX },
    verdict: { enum: RISK_VERDICTS },
    reason: { type: 'string', pattern: '^[a-z][a-z0-9_]{1,63}$' },
    conditions: { type: 'object', additionalProperties: false, properties: RULE_CONDITIONS },
    enabled: { type: 'boolean' },
  },
} as const;

const readRule = bodyReader<RiskRuleRequest>(RISK_RULE_REQUEST_SCHEMA);

/** Checks a body and makes the command of it that defines the rule. Throws 400 for a wrong shape, and for sums of no asset. */
export function riskRuleWrite(ifVersion: number | null, json: JsonObject, caller: Caller, now: Date): RiskRuleWrite {
  const { id, priority, verdict, reason, conditions = {}, enabled = true } = readRule(json);
  checkClientId('riskRule', '/id', id);
  checkSums(conditions);
  const { asset = [] } = conditions;
  asset.forEach((code, at) => checkAssetCode(`/conditions/asset/${at}`, code));
  const commandId = newId('event');
  const terms = { id: id ?? madeBy('riskRule', commandId), priority, verdict, reason, conditions, enabled };
  return {
    kind: 'change',
    type: 'payflow.risk_rule.define.v1',
    command: { ...terms, if_version: ifVersion },
    commandId,
    units: unitsAmong(asset.map((code, at) => [`/conditions/asset/${at}`, code] as const)),
    view: { tenant: caller.tenant, livemode: caller.livemode, id: commandId, createdAt: now.toISOString() },
  };
}

function checkSums({ asset, amount_gte, amount_lte }: RuleConditions): void {
  const least = amount_gte === undefined ? 0n : amountOf('/conditions/amount_gte', amount_gte);
  const most = amount_lte === undefined ? undefined : amountOf('/conditions/amount_lte', amount_lte);
  // A hundred of one asset is not a hundred of another.
  if (asset === undefined && (amount_gte !== undefined || amount_lte !== undefined))
    throw wrong('/conditions/asset', 'missing', 'Must be named where sums are.');
  if (most !== undefined && most < least)
    throw wrong('/conditions/amount_lte', 'out_of_range', 'Must not be below `amount_gte`.');
}
