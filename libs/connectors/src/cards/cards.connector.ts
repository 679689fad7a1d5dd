import type {
  Connector,
  InquiryAnswer,
  ProviderAnswer,
  ProviderCall,
  ProviderRequest,
  WebhookReader,
} from '../connector.js';
import { HttpLine, STREAMS_PER_CONNECTION } from '../outbound/http-line.js';
import { heard } from '../outbound/http-status.js';
import { showLine } from '../outbound/observation.js';
import { Outbound } from '../outbound/outbound.js';
import { unsupported } from '../supported.js';
import { answerOf, foundOf } from './answers.js';
import { capabilities } from './capabilities.js';
import { inquiryOf, requestOf } from './requests.js';

export interface CardsSettings {
  readonly base: string;
  readonly apiKey: string;
  readonly isHttp2: boolean;
  readonly connections: number;
  readonly limit_ms: number;
  readonly perSecond: number | undefined;
  readonly webhooks: WebhookReader | null;
}

/** Speaks the acquirer's API. */
export class CardsConnector implements Connector {
  readonly capabilities = capabilities;
  readonly webhooks: WebhookReader | null;
  readonly #apiKey: string;
  readonly #line: HttpLine;
  readonly #outbound: Outbound;

  constructor(
    readonly name: string,
    { base, apiKey, isHttp2, connections, limit_ms, perSecond, webhooks }: CardsSettings,
  ) {
    this.webhooks = webhooks;
    this.#apiKey = apiKey;
    this.#line = new HttpLine({ base, connections, isHttp2 });
    showLine(name, () => this.#line.state);
    const running_max = isHttp2 ? connections * STREAMS_PER_CONNECTION : connections;
    this.#outbound = new Outbound(name, { running_max, limit_ms, perSecond });
  }

  async ask(wish: ProviderRequest, call: ProviderCall): Promise<ProviderAnswer> {
    const { action, asset, amount, card } = wish;
    const code = unsupported(capabilities, {
      method: 'card',
      action,
      asset,
      amount,
      brand: card?.brand,
      country: card?.country,
    });
    if (code) return { outcome: 'not_sent', code, evidence: { code } };
    const request = requestOf(wish, this.#apiKey);
    if (!request) return { outcome: 'not_sent', code: 'request_incomplete', evidence: { code: 'request_incomplete' } };
    return this.#outbound.ask(
      action,
      call,
      async (it) => heard(await this.#line.send(request, it)),
      (answer) => answerOf(wish, answer),
    );
  }

  async inquire(wish: ProviderRequest, call: ProviderCall): Promise<InquiryAnswer> {
    const request = inquiryOf(wish, this.#apiKey);
    return this.#outbound.inquire(
      call,
      async (it) => heard(await this.#line.send(request, it)),
      (answer) => foundOf(wish, answer),
    );
  }

  close(): Promise<void> {
    return this.#line.close();
  }
}
