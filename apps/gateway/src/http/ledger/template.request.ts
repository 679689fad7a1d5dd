import { idPattern, TYPE_NAME_PATTERN, type TransactionTypeDefined } from '@payflow/contracts';
import { Problem } from '@payflow/service';
import type { FastifyRequest } from 'fastify';
import type { GroupWrite, NamedAccount } from '../../acceptance/acceptable.js';
import { expandTemplate, placeOf, type ExpandedLeg } from '../../domain/template.js';
import type { Caller } from '../edge/caller.js';
import type { ParsedBody } from '../edge/edge.js';
import { unitsAmong } from './named-asset.js';
import { bodyReader, impossible } from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';
import { conditionAccounts, groupWrite, templateHash, TERMS, type Terms } from './transfer.request.js';

/** `POST /api/v1/transfers` with the variables of a type's template. */
interface TemplateRequest extends Terms {
  readonly id?: string;
  readonly type: string;
  readonly variables: Readonly<Record<string, string>>;
}

const VALUE_LENGTH_MAX = 64;

export const TRANSFER_TEMPLATE_REQUEST_SCHEMA = {
  type: 'object',
  required: ['type', 'variables'],
  additionalProperties: false,
  properties: {
    id: { type: 'string', pattern: idPattern('group') },
    type: { type: 'string', pattern: TYPE_NAME_PATTERN },
    variables: {
      type: 'object',
      maxProperties: 50,
      propertyNames: { type: 'string', pattern: '^[a-z][a-z0-9_]{0,31}$' },
      additionalProperties: { type: 'string', maxLength: VALUE_LENGTH_MAX },
    },
    ...TERMS,
  },
} as const;

const readTemplate = bodyReader<TemplateRequest>(TRANSFER_TEMPLATE_REQUEST_SCHEMA);

/** Whether a request asks for what a template comes to. What is wrong with it otherwise, others tell. */
export function namesTemplate({ body }: FastifyRequest): boolean {
  const json = (body as Partial<ParsedBody> | undefined)?.json;
  return json !== undefined && Object.hasOwn(json, 'variables');
}

/**
 * Checks a body and makes the group of it that its type's template comes to. Throws 400 for a wrong shape and for variables
 * that the template does not have or take, and 422 for what can never be.
 */
export async function templateWrite(
  find: (type: string) => Promise<TransactionTypeDefined | undefined>,
  { dry_run: _asked, ...json }: JsonObject,
  caller: Caller,
  now: Date,
): Promise<GroupWrite> {
  const { type: name, variables, ...terms } = readTemplate(json);
  const type = await find(name);
  if (!type) throw impossible('transaction_type_not_found', '/type');
  if (!type.template) throw impossible('transaction_type_without_template', '/type');
  const expansion = expandTemplate(type.template, variables);
  if (expansion.kind === 'faults') throw new Problem('invalid_request', { errors: expansion.faults });
  if (expansion.kind === 'refused') throw impossible(expansion.code, expansion.pointer);
  const legs = expansion.legs.map((leg) => legRequest(leg));
  const write = groupWrite({ ...terms, type: name, legs }, caller, now);
  const { id } = terms;
  const contentHash = id === undefined ? undefined : templateHash({ ...terms, id, type: name }, variables, now);
  return {
    ...write,
    contentHash,
    accounts: [...expansion.legs.flatMap(accountsOfLeg), ...conditionAccounts(terms)],
    units: unitsAmong(expansion.legs.map(({ asset, of }) => [placeOf(of.asset), asset])),
  };
}

/** What a request is known by that names its group's id, whatever the template is by now. */
export function nameOfTemplate({ dry_run: _asked, ...json }: JsonObject) {
  const { type, variables, ...terms } = readTemplate(json);
  const { id } = terms;
  if (id === undefined) return undefined;
  return { kind: 'group', id, contentHash: templateHash({ ...terms, id, type }, variables, new Date()) } as const;
}

function legRequest({ debitAccount, creditAccount, amount, asset, of }: ExpandedLeg) {
  const movement = { debit_account: debitAccount, credit_account: creditAccount, amount: amount.toString(), asset };
  return { ...movement, up_to: of.up_to ?? false };
}

/** A wrong account is told where the request names it. */
function accountsOfLeg({ debitAccount, creditAccount, asset, of }: ExpandedLeg): NamedAccount[] {
  return [
    { pointer: placeOf(of.debit_account), id: debitAccount, asset },
    { pointer: placeOf(of.credit_account), id: creditAccount, asset },
  ];
}
