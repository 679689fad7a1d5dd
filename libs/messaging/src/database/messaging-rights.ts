import type { Rights } from '@payflow/database';

/** What the runner, the outbox and their housekeeping do in every service's database. */
export const MESSAGING_RIGHTS = {
  maintained_partitions: { insert: false },
  partition_lease: { insert: false, update: ['holder', 'held_until'] },
  positions: { update: 'all' },
  received_tallies: { update: 'all', delete: true },
  // What was sent is not changed: only whether, and by whom it is being sent.
  outbox: { update: ['claimed_until', 'published_at'] },
  inbox: { delete: true },
  parked_subjects: { update: 'all', delete: true },
  parked_messages: { delete: true },
  dead_letters: { update: 'all', delete: true },
  waiting_commands: { delete: true },
  command_sequences: { update: ['used'] },
  suspects: { update: ['attempts'], delete: true },
} as const satisfies Rights;
