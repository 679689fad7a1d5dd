import '@payflow/payments/statements';
import { OWNED, uuidOf, type IndexRegistry } from './index-use.js';

export const payments: IndexRegistry = {
  uses: [
    { index: 'payments_waiting', query: 'payments.overdue', values: ['10000', '100'] },
    { index: 'payments_by_change', query: 'invariant.payments.I18.running', values: [] },
    { index: 'attempts_routed', query: 'payments.routed-outcomes', values: ['15'] },
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
      action: "case when n % 2 = 0 then 'sale' else 'capture' end",
      status: "'approved'",
      connector: "'cards'",
      created_at: "now() - ($rows - n) * interval '1 second'",
    },
  },
};
