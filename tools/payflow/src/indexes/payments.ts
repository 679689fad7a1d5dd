import '@payflow/payments/statements';
import { OWNED, OWNER, arrays, uuid, uuidOf, type IndexRegistry } from './index-use.js';

export const payments: IndexRegistry = {
  uses: [
    { index: 'payments_waiting', query: 'payments.overdue', values: ['10000', '100'] },
    { index: 'payments_authorized_until', query: 'payments.over', values: ['10000', '100'] },
    { index: 'payments_to_be_acted_on', query: 'payments.over', values: ['10000', '100'] },
    { index: 'ledger_steps_asked', query: 'ledger-steps.unheard', values: ['10000', '100'] },
    { index: 'ledger_steps_divided_once', query: 'ledger-steps.save' },
    { index: 'ledger_steps_undivided', query: 'ledger-steps.undivided', values: ['15000', '21600000', '100'] },
    {
      index: 'ledger_steps_of_payment',
      query: 'lives.load',
      values: [...arrays(...OWNER, uuid(7)), "'{}'", "'{}'", "'{}'"],
    },
    { index: 'payment_operations_by_change', query: 'invariant.payments.I18.running', values: [] },
    { index: 'payment_operations_open', query: 'invariant.payments.I15.running', values: [] },
    { index: 'payments_by_change', query: 'invariant.payments.I18.running', values: [] },
    { index: 'attempts_routed', query: 'payments.routed-outcomes', values: ['15'] },
    { index: 'attempts_open', query: 'attempts.lost', values: ['30000', '500'] },
    {
      index: 'attempts_open_by_payment',
      query: 'attempts.open-of-payments',
      values: arrays(uuid(0), 'false', uuid(1_000)),
    },
    { index: 'attempts_attention', query: 'attempts.attention', values: ['200'] },
  ],
  seeds: {
    payments: {
      ...OWNED,
      id: uuidOf('n'),
      status:
        "case n % 1000 when 0 then 'processing' when 1 then 'authorized' when 2 then 'requires_action' else 'succeeded' end",
      authorized_until: "now() + case when n % 3000 = 1 then -1 else 1 end * interval '1 day'",
      swept_at: 'null',
      updated_at: "now() - ($rows - n) * interval '1 second'",
      expires_at: "now() + interval '1 day'",
    },
    payment_operations: {
      ...OWNED,
      id: uuidOf('n'),
      payment_id: uuidOf('n / 3'),
      number: 'n',
      kind: "'capture'",
      status: "case when n % 1000 = 0 then 'settling' else 'succeeded' end",
      failure_code: 'null',
      updated_at: "now() - ($rows - n) * interval '1 second'",
    },
    ledger_steps: {
      ...OWNED,
      operation_id: uuidOf('n'),
      payment_id: uuidOf('n / 3'),
      step: "case when n % 1000 = 1 then 'divide:1' else 'reserve' end",
      command_type: "case when n % 1000 = 1 then 'payflow.group.post.v1' else 'payflow.hold.place.v1' end",
      status: "case n % 1000 when 0 then 'asked' when 1 then 'refused' else 'done' end",
      reason: "case when n % 1000 = 1 then 'account_frozen' end",
      updated_at: "now() - ($rows - n) * interval '1 second'",
    },
    attempts: {
      ...OWNED,
      id: uuidOf('n'),
      payment_id: uuidOf('n'),
      operation_id: uuidOf('n'),
      action: "case when n % 2 = 0 then 'sale' else 'capture' end",
      status: "case when n % 1000 = 0 then 'unknown' else 'approved' end",
      connector: "'cards'",
      needs_attention: 'n % 5000 = 0',
      created_at: "now() - ($rows - n) * interval '1 second'",
      updated_at: "now() - ($rows - n) * interval '1 second'",
    },
  },
};
