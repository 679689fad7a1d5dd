import { ACCOUNT_STATES, newId, type AccountState, type Overdraft } from '@payflow/contracts';
import { Problem } from '@payflow/service';
import type { AccountUpdateWrite } from '../../acceptance/acceptable.js';
import type { AccountView } from '../../domain/account.js';
import { checkOverdraft } from './account.request.js';
import type { Caller } from '../edge/caller.js';
import { AMOUNT_SCHEMA, bodyReader, METADATA_SCHEMA } from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';

/** `PATCH /api/v1/accounts/:id` */
interface AccountUpdateRequest {
  readonly state?: AccountState;
  readonly overdraft?: Overdraft;
  readonly overdraft_limit?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What is to change of which account, and at which version. */
export interface Change {
  readonly account: AccountView;
  readonly ifVersion: number | null;
}

export const ACCOUNT_UPDATE_REQUEST_SCHEMA = {
  type: 'object',
  minProperties: 1,
  additionalProperties: false,
  properties: {
    state: { enum: ACCOUNT_STATES },
    overdraft: { enum: ['none', 'limited', 'unbounded'] },
    overdraft_limit: AMOUNT_SCHEMA,
    metadata: METADATA_SCHEMA,
  },
} as const;

const readUpdate = bodyReader<AccountUpdateRequest>(ACCOUNT_UPDATE_REQUEST_SCHEMA);

/** Checks a body and makes the command of it that changes the account. Throws 400 for a wrong shape, 403 and 409. */
export function accountUpdateWrite(
  { account, ifVersion }: Change,
  json: JsonObject,
  caller: Caller,
  now: Date,
): AccountUpdateWrite {
  const body = readUpdate(json);
  checkOverdraft(body, caller);
  // Never left once it is open, so that no copy of an accepted change is refused here.
  if (account.status === 'pending') throw new Problem('account_pending');
  const { state = null, overdraft = null, overdraft_limit = null, metadata = null } = body;
  const commandId = newId('event');
  return {
    kind: 'change',
    type: 'payflow.account.update.v1',
    command: { id: account.id, state, overdraft, overdraft_limit, metadata, if_version: ifVersion },
    commandId,
    view: { tenant: caller.tenant, livemode: caller.livemode, id: commandId, createdAt: now.toISOString() },
  };
}
