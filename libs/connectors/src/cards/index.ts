import { boolean, credential, duration, integer, url } from '@payflow/service';
import { defineConnector } from '../definition.js';
import { webhookSecret } from '../webhooks.js';
import { capabilities } from './capabilities.js';
import { CardsConnector } from './cards.connector.js';
import { cardsWebhooks } from './webhooks.js';

/** The card rail: an acquirer's API over HTTP. */
export const cards = defineConnector({
  name: 'cards',
  capabilities,
  fields: {
    URL: url({
      default: null,
      protocols: ['http', 'https'],
      description: "Base URL of the acquirer's API. Without it and the key below, the connector is not there.",
    }),
    API_KEY: credential({ default: null, description: 'Bearer key at the acquirer.' }),
    HTTP2: boolean({
      default: false,
      description:
        'HTTP/2 to the acquirer (without TLS by prior knowledge), for more calls at one time than there are connections.',
    }),
    CONNECTIONS: integer({ min: 1, max: 100, default: 10, description: 'Connections to the acquirer.' }),
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
      description: 'Requests per second that the acquirer allows this process; unset: as many as there are.',
    }),
  },
  required: ['URL', 'API_KEY'],
  webhookFields: {
    WEBHOOK_SECRET: webhookSecret("Secret that the acquirer's webhooks are signed with, `whsec_…`."),
    WEBHOOK_SECRET_PREVIOUS: webhookSecret('The secret before it, while it is being changed.'),
  },
  webhooks: ({ WEBHOOK_SECRET, WEBHOOK_SECRET_PREVIOUS }) =>
    WEBHOOK_SECRET === undefined
      ? undefined
      : cardsWebhooks([WEBHOOK_SECRET, ...(WEBHOOK_SECRET_PREVIOUS ? [WEBHOOK_SECRET_PREVIOUS] : [])]),
  open: (name, settings, webhooks) =>
    new CardsConnector(name, {
      base: settings.URL as string,
      apiKey: settings.API_KEY as string,
      isHttp2: settings.HTTP2,
      connections: settings.CONNECTIONS,
      limit_ms: settings.TIME_LIMIT,
      perSecond: settings.RATE_PER_S,
      webhooks,
    }),
});
