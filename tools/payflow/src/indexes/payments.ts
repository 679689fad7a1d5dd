import '@payflow/payments/statements';
import { OWNED, uuid, uuidOf, type IndexRegistry } from './index-use.js';

export const payments: IndexRegistry = {
  uses: [
    { index: 'payments_waiting', query: 'payments.overdue', values: ['10000', '100'] },
    {
      index: 'limit_reservations_by_window',
      query: 'limit-uses.times',
      values: [
        `array[${uuid(0)}]`,
        'array[false]',
        `array[${uuid(1)}]`,
        "array['-']",
        'array[0]::bigint[]',
        'array[5]',
      ],
    },
    { index: 'reviews_open', query: 'reviews.open-count', values: [] },
    { index: 'payments_by_change', query: 'invariant.payments.I18.running', values: [] },
  ],
  seeds: {
    limit_reservations: {
      ...OWNED,
      payment_id: uuidOf('n'),
      limit_id: uuidOf('n % 10'),
      subject: 'n::text',
      window_start: 'to_timestamp(0)',
      at: "now() - n * interval '1 second'",
      amount_minor: '1',
      used_minor: '0',
      status: "'reserved'",
    },
    reviews: {
      ...OWNED,
      id: uuidOf('n'),
      status: "case when n % 1000 = 0 then 'open' else 'approved' end",
      decision_id: "case when n % 1000 = 0 then null else '00000000-0000-7000-8000-000000000001'::uuid end",
      opened_at: "now() - n * interval '1 second'",
    },
    payments: {
      ...OWNED,
      id: uuidOf('n'),
      status: "case when n % 1000 = 0 then 'processing' else 'succeeded' end",
      updated_at: "now() - ($rows - n) * interval '1 second'",
      expires_at: "now() + interval '1 day'",
    },
  },
};
