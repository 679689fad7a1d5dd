import '@payflow/archiver/statements';
import { OWNED, uuidOf, type IndexRegistry } from './index-use.js';

export const archiver: IndexRegistry = {
  uses: [
    { index: 'archived_events_by_arrival', query: 'invariant.archiver.I33.running', values: [] },
    { index: 'archived_events_by_day', query: 'invariant.archiver.I20.running', values: [] },
  ],
  seeds: {
    archived_events: {
      ...OWNED,
      event_id: uuidOf('n'),
      // To the end of this day: as many are of today whatever time it is.
      id_time: "date_trunc('day', now(), 'UTC') + interval '1 day' - ($rows - n + 1) * interval '20 days' / $rows",
      archived_at: "now() - ($rows - n) * interval '1 second'",
    },
  },
};
