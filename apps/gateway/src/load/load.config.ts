import { integer } from '@payflow/service';

/** What the gateway takes on at one time. */
export const loadFields = {
  MAX_WORKERS: integer({
    min: 1,
    max: 65_536,
    default: 1_024,
    description:
      'Requests at work at one time, at most; fewer while they take longer than usual, but never less than half of it, or than 16. One that only waits for its outcome (`Prefer: wait`) is not at work.',
  }),
  MAX_QUEUE_SIZE: integer({
    min: 0,
    max: 65_536,
    default: 1_024,
    description:
      'Requests that may wait to be worked on, the important ones first; what comes to a full queue is answered 503 `overloaded`. `0`: nothing waits.',
  }),
  MAX_CONNECTIONS: integer({
    min: 1,
    max: 1_000_000,
    default: 10_000,
    description:
      'Connections of clients at one time, whether they ask for something or not; one more is closed as it comes.',
  }),
  MAX_CONNECTIONS_PER_ADDRESS: integer({
    min: 1,
    max: 1_000_000,
    default: 1_000,
    description:
      'Of these from one address, of IPv6 from one /64; one more is closed as it comes. Those of `TRUSTED_PROXIES` and `TRUSTED_NETWORKS` are not counted: each of them speaks for many.',
  }),
};
