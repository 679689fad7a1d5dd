import type { IndexRegistry } from './index-use.js';

/** What every service's database has. */
export const messaging: IndexRegistry = {
  uses: [
    {
      index: 'outbox_in_order',
      query: 'outbox.claim',
      values: ['50', "'{}'", "'-infinity'", "'00000000-0000-0000-0000-000000000000'"],
    },
    { index: 'parked_messages_in_order', query: 'parking.messages-of-subject', values: ["'g'", "'t'", "'k7'", '100'] },
    { index: 'dead_letters_once', query: 'dead-letters.find', values: ["'g'", "'t'", '1', '7', 'null'] },
    { index: 'dead_letters_replaying', query: 'dead-letters.begin-replay', values: ["'g'", '1'] },
  ],
  seeds: {
    outbox: {
      created_at: 'date_trunc($$day$$, now(), $$UTC$$) + n * interval $$1 millisecond$$',
      topic: "'t'",
      message_count: '1',
      claimed_until: "now() - interval '1 minute'",
      published_at: 'case when n % 1000 <> 0 then now() end',
    },
    parked_messages: {
      consumer_group: "'g'",
      tenant: "'t'",
      record_key: "'k' || n % ($rows / 100)",
      topic: "'t'",
      partition: 'n % 2',
    },
    dead_letters: {
      consumer_group: "'g'",
      topic: "'t'",
      partition: 'n % 2',
      state: "case when n % 1000 < 2 then 'replaying' else 'dead' end",
    },
  },
};
