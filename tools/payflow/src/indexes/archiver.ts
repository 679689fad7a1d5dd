import '@payflow/archiver/statements';
import { OWNED, uuidOf, type IndexRegistry } from './index-use.js';

export const archiver: IndexRegistry = {
  uses: [{ index: 'archived_events_by_arrival', query: 'invariant.archiver.I33.running', values: [] }],
  seeds: {
    archived_events: {
      ...OWNED,
      event_id: uuidOf('n'),
      id_time: "now() - ($rows - n) * interval '10 milliseconds'",
      archived_at: "now() - ($rows - n) * interval '1 second'",
    },
  },
};
