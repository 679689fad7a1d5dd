import '@payflow/payments/statements';
import { OWNED, OWNER, TIME, arrays, uuid, uuidOf, type IndexRegistry } from './index-use.js';

export const payments: IndexRegistry = {
  uses: [
    { index: 'payments_waiting', query: 'payments.overdue', values: ['10000', '100'] },
    { index: 'payments_by_change', query: 'invariant.payments.I18.running', values: [] },
    { index: 'disputes_by_payment', query: 'disputes.load', values: arrays(OWNER[0], OWNER[1], uuid(7)) },
    { index: 'dispute_legs_once', query: 'disputes.save' },
    { index: 'disputes_unsettled', query: 'disputes.take-unsettled', values: ['10000', '100'] },
    { index: 'dispute_transitions_by_time', query: 'invariant.payments.I38.running', values: [] },
  ],
  seeds: {
    disputes: {
      ...OWNED,
      id: uuidOf('n'),
      payment_id: uuidOf('n'),
      leg: "case when n % 1000 = 0 then 'refused' else 'taken' end",
      swept_at: TIME,
      updated_at: "now() - ($rows - n) * interval '1 second'",
    },
    dispute_legs: {
      ...OWNED,
      transfer_id: uuidOf('n'),
      dispute_id: uuidOf('n'),
      direction: "'out'",
      status: "'posted'",
    },
    dispute_transitions: { ...OWNED, dispute_id: uuidOf('n'), at: "now() - ($rows - n) * interval '1 second'" },
    payments: {
      ...OWNED,
      id: uuidOf('n'),
      status: "case when n % 1000 = 0 then 'processing' else 'succeeded' end",
      updated_at: "now() - ($rows - n) * interval '1 second'",
      expires_at: "now() + interval '1 day'",
    },
  },
};
