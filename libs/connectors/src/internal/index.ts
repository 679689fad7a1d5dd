import type { NotSentReason } from '@payflow/contracts';
import type {
  Capabilities,
  Connector,
  InquiryAnswer,
  ProviderAnswer,
  ProviderCall,
  ProviderRequest,
} from '../connector.js';
import { defineConnector } from '../definition.js';
import { unsupportedWish } from '../supported.js';

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
const APPROVED = { outcome: 'approved', reference: null, evidence: {} } as const;

class InternalConnector implements Connector {
  readonly capabilities = capabilities;
  readonly webhooks = null;
  #isClosed = false;

  constructor(readonly name: string) {}

  async ask(wish: ProviderRequest, { signal }: ProviderCall): Promise<ProviderAnswer> {
    const code = unsupportedWish(capabilities, wish);
    if (code) return notSent(code);
    return this.#isClosed || signal.aborted ? notSent('caller_gone') : APPROVED;
  }

  /** What it cannot do was never done. */
  async inquire(wish: ProviderRequest): Promise<InquiryAnswer> {
    return unsupportedWish(capabilities, wish) ? { outcome: 'not_found', evidence: {} } : APPROVED;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }
}

function notSent(code: NotSentReason): ProviderAnswer {
  return { outcome: 'not_sent', code, evidence: { code } };
}

/** From wallet to wallet: the ledger decides, and the machine asks nobody. */
export const internal = defineConnector({
  name: 'internal',
  capabilities,
  fields: {},
  required: [],
  webhookFields: {},
  webhooks: null,
  open: (name) => new InternalConnector(name),
});
