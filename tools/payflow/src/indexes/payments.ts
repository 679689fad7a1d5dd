import '@payflow/payments/statements';
import { OWNED, arrays, uuid, uuidOf, type IndexRegistry } from './index-use.js';

export const payments: IndexRegistry = {
  uses: [
    { index: 'payments_waiting', query: 'payments.overdue', values: ['10000', '100'] },
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
      status: "case when n % 1000 = 0 then 'processing' else 'succeeded' end",
      updated_at: "now() - ($rows - n) * interval '1 second'",
      expires_at: "now() + interval '1 day'",
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
