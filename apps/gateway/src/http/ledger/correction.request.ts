import { idPattern, newId, type TransferCorrect } from '@payflow/contracts';
import { Problem } from '@payflow/service';
import type { CorrectionWrite } from '../../acceptance/acceptable.js';
import type { TransferView } from '../../domain/transfer.js';
import type { Caller } from '../edge/caller.js';
import { byName, contentHash } from '../writes/content-hash.js';
import { accountsOf, checkMovement, MOVEMENT_PROPERTIES, type MovementRequest } from './movement.js';
import { INSTANT_SCHEMA, METADATA_SCHEMA, triableReader } from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';
import { unitsAmong } from './named-asset.js';
import { transferCondition, type AskedTransfer } from './transfer-condition.js';
import { effectiveOf, groupOfOne, pendingTransfer, TYPE } from './transfer.request.js';

/** `POST /api/v1/transfers/:id/correct`: what is not given is as in the original, of which only what is left is moved anew. */
interface CorrectionRequest extends Partial<MovementRequest> {
  readonly effective_at?: string;
  readonly type?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

type CorrectionChange = { readonly [K in keyof typeof MOVEMENT_PROPERTIES | 'type']?: string | null };

/** What a correction changes: it must name one of them. */
const CHANGES = [...Object.keys(MOVEMENT_PROPERTIES), 'effective_at', 'type'];

export const CORRECTION_REQUEST_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  anyOf: CHANGES.map((name) => ({ required: [name] })),
  properties: {
    id: { type: 'string', pattern: idPattern('transfer') },
    ...MOVEMENT_PROPERTIES,
    effective_at: INSTANT_SCHEMA,
    type: TYPE,
    metadata: METADATA_SCHEMA,
  },
} as const;

const readCorrection = triableReader<CorrectionRequest>(CORRECTION_REQUEST_SCHEMA);

/** Checks a body and makes the transfer of it that takes the original's place. Throws 400, and 409 and 422 for what cannot be. */
export function correctionWrite(asked: AskedTransfer, json: JsonObject, caller: Caller, now: Date): CorrectionWrite {
  const { original } = asked;
  const { effective_at, metadata = {}, ...change } = readCorrection(json);
  const { debitAccount, creditAccount, amount, asset } = original;
  const left = (BigInt(amount) - BigInt(original.reversed)).toString();
  const type = change.type ?? original.type;
  const corrected = {
    debit_account: debitAccount,
    credit_account: creditAccount,
    amount,
    asset,
    ...change,
    ...(type === null ? {} : { type }),
  };
  checkMovement('transfer', '', corrected);
  const effective = effectiveOf(effective_at, now);
  // Never left once it is reached, so that no copy of an accepted correction is refused here.
  if (original.status !== 'posted') throw new Problem('transfer_not_posted');
  const { demanded, objection } = transferCondition(asked);
  // How much is left is for the ledger to say: what was moved back a moment ago may not be seen here yet.
  const replacement = { ...corrected, amount: change.amount ?? null, id: change.id ?? newId('transfer') };
  return {
    kind: 'transfer',
    type: 'payflow.transfer.correct.v1',
    contentHash: change.id === undefined ? undefined : hashOf(original.id, change, effective, metadata),
    command: { ...commandOf(original, replacement, effective, metadata), ...demanded },
    commandId: newId('event'),
    objection,
    accounts: accountsOf('', corrected),
    units: unitsAmong([['/asset', corrected.asset]]),
    view: {
      ...pendingTransfer(caller, now, effective ?? original.effectiveAt),
      id: replacement.id,
      debitAccount: replacement.debit_account,
      creditAccount: replacement.credit_account,
      amount: replacement.amount ?? left,
      asset: replacement.asset,
      corrects: original.id,
      type,
      metadata,
    },
  };
}

function hashOf(
  original: string,
  { debit_account = null, credit_account = null, amount = null, asset = null, type = null }: CorrectionChange,
  effective: string | null,
  metadata: Readonly<Record<string, string>>,
): Buffer {
  const changed = [debit_account, credit_account, amount, asset, type];
  return contentHash('correction', original, changed, effective, byName(metadata));
}

function commandOf(
  original: TransferView,
  replacement: TransferCorrect['replacement'],
  effective_at: string | null,
  metadata: Readonly<Record<string, string>>,
): TransferCorrect {
  return {
    id: groupOfOne(replacement.id),
    original: original.id,
    debit_account: original.debitAccount,
    credit_account: original.creditAccount,
    reversal: newId('transfer'),
    replacement,
    effective_at,
    metadata,
  };
}
