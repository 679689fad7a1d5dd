import type {
  Capabilities,
  Connector,
  ConnectorMode,
  InquiryAnswer,
  ProviderAnswer,
  ProviderBooks,
  ProviderCall,
  ProviderDispute,
  ProviderRequest,
  WebhookReader,
} from '../connector.js';
import { addressOf, textOf } from '../reading.js';
import { unsupportedWish } from '../supported.js';
import { Lost } from './call-failures.js';
import type { HttpAnswer } from './http-exchange.js';
import { HttpLine, STREAMS_PER_CONNECTION, type HttpRequest } from './http-line.js';
import { heard } from './http-status.js';
import { showLine } from './observation.js';
import { Outbound, WAITING_MAX } from './outbound.js';

/** What one provider's API is like: how a wish is said in it, and what its answers mean. Nothing here calls anybody. */
export interface HttpRail {
  readonly capabilities: Capabilities;
  /** Undefined where the wish lacks what the provider needs. The idempotency key belongs in it. */
  requestOf(wish: ProviderRequest): HttpRequest | undefined;
  /** Asks what was done under the key of a wish. */
  inquiryOf(wish: ProviderRequest): HttpRequest;
  /** A 2xx or 4xx; throws `Lost` where it cannot be relied on, with what is to be kept of it. */
  answerOf(wish: ProviderRequest, answer: HttpAnswer): ProviderAnswer;
  /** As {@link answerOf}, of what was asked by {@link inquiryOf}. */
  foundOf(wish: ProviderRequest, answer: HttpAnswer): Exclude<InquiryAnswer, { readonly outcome: 'not_sent' }>;
  /** Where the provider shows its own books: how they are asked for, and read. */
  readonly books?: RailBooks;
  /** Where the provider can be asked how a dispute stands. */
  readonly disputes?: RailDisputes;
}

export interface RailBooks {
  requestOf(merchantReference: string | null): HttpRequest;
  /** Throws where the answer tells of no books: no sum of ours may be held against a guess. */
  booksOf(answer: HttpAnswer): readonly ProviderBooks[];
}

export interface RailDisputes {
  /** `reference`: the provider's own id of the dispute. */
  requestOf(reference: string): HttpRequest;
  /** Throws where the answer does not tell how this dispute stands. */
  disputeOf(reference: string, answer: HttpAnswer): ProviderDispute;
}

export interface HttpSettings {
  readonly URL: string;
  readonly MODE?: ConnectorMode;
  readonly HTTP2: boolean;
  readonly CONNECTIONS: number;
  readonly TIME_LIMIT: number;
  readonly RATE_PER_S: number | undefined;
}

/** A provider that is asked over HTTP. */
export class HttpConnector implements Connector {
  readonly capabilities: Capabilities;
  readonly mode: ConnectorMode;
  readonly places: number;
  readonly books?: NonNullable<Connector['books']>;
  readonly dispute?: NonNullable<Connector['dispute']>;
  readonly #line: HttpLine;
  readonly #outbound: Outbound;

  constructor(
    readonly name: string,
    private readonly rail: HttpRail,
    {
      URL: base,
      MODE: mode = 'both',
      HTTP2: isHttp2,
      CONNECTIONS: connections,
      TIME_LIMIT: limit_ms,
      RATE_PER_S: perSecond,
    }: HttpSettings,
    readonly webhooks: WebhookReader | null,
  ) {
    this.capabilities = rail.capabilities;
    this.mode = mode;
    this.#line = new HttpLine({ base, connections, isHttp2 });
    showLine(name, () => this.#line.state);
    const running_max = isHttp2 ? connections * STREAMS_PER_CONNECTION : connections;
    this.#outbound = new Outbound(name, { running_max, limit_ms, perSecond });
    this.places = running_max + WAITING_MAX;
    const { books, disputes } = rail;
    if (books)
      this.books = (merchantReference, call) => this.#read(books.requestOf(merchantReference), call, books.booksOf);
    if (disputes)
      this.dispute = (reference, call) =>
        this.#read(disputes.requestOf(reference), call, (answer) => disputes.disputeOf(reference, answer));
  }

  async ask(wish: ProviderRequest, call: ProviderCall): Promise<ProviderAnswer> {
    const code = unsupportedWish(this.capabilities, wish);
    if (code) return { outcome: 'not_sent', code, evidence: { code } };
    const request = this.rail.requestOf(wish);
    if (!request) return { outcome: 'not_sent', code: 'request_incomplete', evidence: { code: 'request_incomplete' } };
    return this.#outbound.ask(
      wish.action,
      call,
      async (it) => heard(await this.#line.send(request, it)),
      (answer) => keepable(this.rail.answerOf(wish, answer)),
    );
  }

  async inquire(wish: ProviderRequest, call: ProviderCall): Promise<InquiryAnswer> {
    const request = this.rail.inquiryOf(wish);
    return this.#outbound.inquire(
      call,
      async (it) => heard(await this.#line.send(request, it)),
      (answer) => keepable(this.rail.foundOf(wish, answer)),
    );
  }

  close(): Promise<void> {
    return this.#line.close();
  }

  #read<A>(request: HttpRequest, call: ProviderCall, read: (answer: HttpAnswer) => A): Promise<A> {
    return this.#outbound.read(call, async (it) => heard(await this.#line.send(request, it)), read);
  }
}

/** The same answer. Throws `Lost` where its reference or address cannot be written down: it would be heard for ever, and never kept. */
function keepable<A extends InquiryAnswer>(answer: A): A {
  const { evidence } = answer;
  const reference = 'reference' in answer ? answer.reference : null;
  if (reference !== null && textOf(reference) === undefined) throw new Lost('answer_unreadable', evidence);
  if (answer.outcome === 'requires_action' && addressOf(answer.url) === undefined)
    throw new Lost('answer_unreadable', evidence);
  return answer;
}
