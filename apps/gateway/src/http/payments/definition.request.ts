import { fromUuid, newId, uuidOf, type IdKind } from '@payflow/contracts';
import type { LimitDeletion, RiskRuleDeletion } from '../../acceptance/acceptable.js';
import type { Caller } from '../edge/caller.js';
import type { JsonObject } from '../edge/strict-json.js';
import { readNothing } from '../identity/identity.request.js';

export type Deletion = LimitDeletion | RiskRuleDeletion;

/** The id of what a command makes under no id of the client's: of its own UUID, so that copies of the request tell the same. */
export function madeBy(kind: IdKind, commandId: string): string {
  return fromUuid(kind, uuidOf('event', commandId));
}

/** Makes a command that deletes at the version given; null: at any. The body says nothing. Throws 400 where it does. */
export function deletionWrite(
  { type, ...command }: Pick<Deletion, 'type'> & Deletion['command'],
  json: JsonObject,
  caller: Caller,
  now: Date,
): Deletion {
  readNothing(json);
  const commandId = newId('event');
  return {
    kind: 'change',
    type,
    command,
    commandId,
    view: { tenant: caller.tenant, livemode: caller.livemode, id: commandId, createdAt: now.toISOString() },
  };
}
