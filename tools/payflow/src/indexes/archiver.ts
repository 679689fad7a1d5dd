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
      id_time: "now() - ($rows - n) * interval '20 days' / $rows",
      archived_at: "now() - ($rows - n) * interval '1 second'",
    },
  },
};
