import { credential } from '@payflow/service';
import { defineConnector } from '../definition.js';
import { HttpConnector } from '../outbound/http-connector.js';
import { httpFields } from '../outbound/http-fields.js';
import { webhookSecret } from '../webhooks.js';
import { capabilities } from './capabilities.js';
import { cardsRail } from './rail.js';
import { cardsWebhooks } from './webhooks.js';

/** The card rail: an acquirer's API over HTTP. */
export const cards = defineConnector({
  name: 'cards',
  capabilities,
  fields: {
    ...httpFields,
    API_KEY: credential({ default: null, description: 'Bearer key at the provider.' }),
  },
  required: ['URL', 'API_KEY'],
  webhookFields: {
    WEBHOOK_SECRET: webhookSecret("Secret that the provider's webhooks are signed with, `whsec_…`."),
    WEBHOOK_SECRET_PREVIOUS: webhookSecret('The secret before it, while it is being changed.'),
  },
  webhooks: ({ WEBHOOK_SECRET, WEBHOOK_SECRET_PREVIOUS }) =>
    WEBHOOK_SECRET === undefined
      ? undefined
      : cardsWebhooks([WEBHOOK_SECRET, ...(WEBHOOK_SECRET_PREVIOUS ? [WEBHOOK_SECRET_PREVIOUS] : [])]),
  open: (name, settings, webhooks) => new HttpConnector(name, cardsRail(settings.API_KEY), settings, webhooks),
});
