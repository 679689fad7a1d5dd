import type { Capabilities, Connector, ProviderAnswer } from '../connector.js';
import { defineConnector } from '../definition.js';

const MS_PER_DAY = 86_400_000;

const capabilities: Capabilities = {
  methods: ['internal'],
  assets: null,
  countries: null,
  brands: null,
  actions: ['authorize', 'sale', 'increment', 'capture', 'void', 'refund'],
  multipleCaptures: true,
  overcapture_percent: 0,
  authorizationValid_ms: 7 * MS_PER_DAY,
  keysKept_ms: null,
  amount: { min: null, max: null },
  isOutside: false,
};

/** Nobody outside has anything to say about it: what the ledger has set aside is all there is to know. */
const approved = async (): Promise<ProviderAnswer> => ({ outcome: 'approved', reference: null, evidence: {} });

/** From wallet to wallet: the ledger decides, and the machine asks nobody. */
export const internal = defineConnector({
  name: 'internal',
  capabilities,
  fields: {},
  required: [],
  webhookFields: {},
  webhooks: null,
  open: (name): Connector => ({
    name,
    capabilities,
    ask: approved,
    inquire: approved,
    webhooks: null,
    close: async () => undefined,
  }),
});
