import type { Template, TransactionTypeDefine, TransactionTypeDefined } from '@payflow/contracts';

/** A transaction type of the HTTP API, in the version in force. */
export function transactionTypeResource({ id, version, debit, credit, template, defined_at }: TransactionTypeDefined) {
  return { id, object: 'transaction_type', version, debit, credit, template: template && shown(template), defined_at };
}

/** What was asked for, until the ledger has given it a version. */
export function requestedType({ id, debit, credit, template }: TransactionTypeDefine) {
  const type = { id, object: 'transaction_type', version: 0, debit, credit };
  return { ...type, template: template && shown(template), defined_at: null };
}

function shown({ variables, legs }: Template) {
  return { variables, legs: legs.map((leg) => ({ ...leg, up_to: leg.up_to ?? false })) };
}
