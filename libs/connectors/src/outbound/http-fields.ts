import { boolean, choice, duration, integer, url } from '@payflow/service';
import { CONNECTOR_MODES } from '../connector.js';

/** Variables of every connector that calls over HTTP, beside its keys. */
export const httpFields = {
  URL: url({
    default: null,
    protocols: ['http', 'https'],
    description: "Base URL of the provider's API. Without it and its keys the connector is not there.",
  }),
  MODE: choice(CONNECTOR_MODES, {
    default: 'both',
    description:
      'Whose payments go to the provider: of test mode, live ones, or both. `live` for one that moves real money, or test payments would move it too.',
  }),
  HTTP2: boolean({
    default: false,
    description:
      'HTTP/2 to the provider (without TLS by prior knowledge), for more calls at one time than there are connections.',
  }),
  CONNECTIONS: integer({ min: 1, max: 100, default: 10, description: 'Connections to the provider.' }),
  TIME_LIMIT: duration({
    default: 30_000,
    min: 100,
    max: 30_000,
    description: 'How long a call may take in all, with waiting and tries; what has no answer then is unknown.',
  }),
  RATE_PER_S: integer({
    min: 1,
    max: 100_000,
    default: null,
    description: 'Requests per second that the provider allows this process; unset: as many as there are.',
  }),
};
