import type { CardMethod, Decline, NoticeKind } from '@payflow/contracts';

/** What can be asked of a provider. `sale` authorizes and captures in one. */
export const PROVIDER_ACTIONS = [
  'authorize',
  'sale',
  'increment',
  'capture',
  'void',
  'refund',
  'submit_evidence',
] as const;
export type ProviderAction = (typeof PROVIDER_ACTIONS)[number];

/** What a connector can do, as data: routing and the checks at the door look at it, and nobody calls it to find out. */
export interface Capabilities {
  /** Types of payment methods. */
  readonly methods: readonly ('internal' | 'card')[];
  /** Asset codes; null where all are. */
  readonly assets: readonly string[] | null;
  /** ISO 3166-1 alpha-2 of where a card was issued; null where all are. */
  readonly countries: readonly string[] | null;
  readonly brands: readonly string[] | null;
  readonly actions: readonly ProviderAction[];
  /** Several captures of one authorization. */
  readonly multipleCaptures: boolean;
  /** How much more than authorized can be captured, in percent of it. */
  readonly overcapture_percent: number;
  /** How long an authorization stands, ms. */
  readonly authorizationValid_ms: number;
  /** How long it knows what was asked under a key, ms; null: for good. That it knows nothing says nothing from then on. */
  readonly keysKept_ms: number | null;
  /** Smallest and largest sum, minor units as digits; null where there is no bound. */
  readonly amount: { readonly min: string | null; readonly max: string | null };
  /** False where the ledger alone decides, and nobody outside is asked. */
  readonly isOutside: boolean;
}

/** One wish, as every connector gets it. Sums are minor units as digits. */
export interface ProviderRequest {
  readonly action: ProviderAction;
  /** The same for every try and every inquiry: the provider does it once, however often it hears it. */
  readonly idempotencyKey: string;
  /** `<tenant>/<live|test>/<payment>`: the provider repeats it in its webhooks. */
  readonly merchantReference: string;
  readonly amount: string | null;
  readonly asset: string;
  readonly card?: CardMethod;
  /** The provider's id of the authorization (of a dispute, the dispute) that this is about; null for the first. */
  readonly reference: string | null;
  /** Gives back the rest of the authorization after this capture. */
  readonly final?: boolean;
  readonly evidence?: Readonly<Record<string, string>>;
}

/** What is known after asking. Everything but `unknown` is certain. */
export type ProviderAnswer =
  | { readonly outcome: 'approved'; readonly reference: string | null; readonly evidence: Evidence }
  | {
      readonly outcome: 'declined';
      /** A word of ours, the same for all providers; `provider_declined` where none says it. */
      readonly code: Decline;
      readonly reference: string | null;
      /** True where another provider may say yes: the decline was of this one, not of the card. */
      readonly isOthersToTry: boolean;
      readonly evidence: Evidence;
    }
  | {
      readonly outcome: 'requires_action';
      readonly url: string;
      readonly reference: string | null;
      readonly evidence: Evidence;
    }
  /** It cannot have been received: another provider may be asked. */
  | { readonly outcome: 'not_sent'; readonly code: string; readonly evidence: Evidence }
  /** It may have been done: only an inquiry can tell. */
  | { readonly outcome: 'unknown'; readonly code: string; readonly evidence: Evidence };

/** An inquiry may also find that the provider has never heard of it. */
export type InquiryAnswer = ProviderAnswer | { readonly outcome: 'not_found'; readonly evidence: Evidence };

/** The provider's words, to be kept: without credentials, card numbers and what else is secret. */
export type Evidence = Readonly<Record<string, unknown>>;

/** What a webhook told, once its signature was found to be right. */
export interface Notice {
  /** The provider's number of the webhook: a second one with it is a copy. */
  readonly id: string;
  readonly kind: NoticeKind;
  readonly merchantReference: string;
  /** {@link ProviderRequest.idempotencyKey} of what it is about, if it is about an attempt. */
  readonly idempotencyKey: string | null;
  readonly reference: string | null;
  readonly code: string | null;
  readonly amount: string | null;
  /** What the amount is of, where the provider says so. */
  readonly asset?: string | null;
  /** RFC 3339 UTC with milliseconds. */
  readonly occurredAt: string;
  /** Until when a dispute can be answered, likewise; absent where the provider names no time. */
  readonly evidenceDueBy?: string | null;
}

/** How a provider's webhooks are read. */
export interface WebhookReader {
  /**
   * Checks signature and time (five minutes either way) over the exact bytes. Undefined when they are not the provider's, `null`
   * when they are and say nothing that concerns us.
   */
  read(headers: Readonly<Record<string, string | undefined>>, body: Buffer, now: Date): Notice | null | undefined;
}

/** Told with every call: until when, and a signal that comes when that is over. */
export interface ProviderCall {
  readonly signal: AbortSignal;
}

/** What a provider says it moved in one currency: minor units as digits, none of which ever falls. */
export interface ProviderBooks {
  readonly asset: string;
  readonly captured: string;
  readonly refunded: string;
  /** What disputes took back, and what of that was given again. */
  readonly disputed: string;
  readonly disputeReversed: string;
}

/** How a dispute stands, as its provider says when it is asked. */
export interface ProviderDispute {
  readonly status: 'opened' | 'won' | 'lost';
  /** {@link ProviderRequest.merchantReference} of the payment that it is of. */
  readonly merchantReference: string;
  /** RFC 3339 UTC with milliseconds; null where the provider names no time. */
  readonly evidenceDueBy: string | null;
  /** Minor units; null where the provider names no sum. */
  readonly amount: string | null;
  /** What the amount is of; null where the provider does not say. */
  readonly asset: string | null;
}

/** Whose payments a connector carries out: where real money moves, test mode has no business. */
export const CONNECTOR_MODES = ['both', 'test', 'live'] as const;
export type ConnectorMode = (typeof CONNECTOR_MODES)[number];

/** A way to the outside. Never throws for what a provider said or failed to say: that is an answer. */
export interface Connector {
  /** Lower-case snake_case, the name of its folder. */
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Both, where it is not said. */
  readonly mode?: ConnectorMode;
  /** Calls that it holds at one time, those that wait for their turn among them; absent where it has no bound. */
  readonly places?: number;
  ask(request: ProviderRequest, call: ProviderCall): Promise<ProviderAnswer>;
  /** How did it end? Changes nothing at the provider. */
  inquire(request: ProviderRequest, call: ProviderCall): Promise<InquiryAnswer>;
  readonly webhooks: WebhookReader | null;
  /**
   * The provider's own books, where it shows any: all of them, or what it knows a merchant reference by. Operators hold ours against
   * them; nothing is decided by them. Throws where they cannot be read.
   */
  books?(merchantReference: string | null, call: ProviderCall): Promise<readonly ProviderBooks[]>;
  /**
   * How a dispute stands, by the provider's own id of it, where the provider can be asked. Changes nothing there. Throws where it
   * cannot be read.
   */
  dispute?(reference: string, call: ProviderCall): Promise<ProviderDispute>;
  /** Gives its connections back. */
  close(): Promise<void>;
}
