import { createHash } from 'node:crypto';
import { APPROVE, type Verdict } from './domain/authorization.js';
import { ASKED, type Asked, type Wish } from './domain/operation.js';

/**
 * What goes wrong, and where. What is decided is decided once and kept under the idempotency key: a scenario spoils how the
 * first delivery of the key is answered, and a copy of it is answered plainly.
 */
export interface Scenario {
  readonly name: string;
  readonly summary: string;
  /** Last four digits of an amount that choose it, on whatever operation has the amount. */
  readonly ending: string | null;
  readonly verdict: Verdict;
  /** When it is done: before the answer, not by the first delivery, or only after the caller's patience. */
  readonly effect: 'at_once' | 'not_by_the_first' | 'late';
  readonly answer: 'plain' | 'slow' | 'never' | 'error_500' | 'cut';
  /** How it is told by webhook. `held_back`: not before the next one about the same authorization. */
  readonly webhooks: 'once' | 'twice' | 'before_the_answer' | 'held_back';
  /** What the first inquiry is told. */
  readonly firstInquiry: 'truth' | 'not_found' | 'declined';
  /** Operations it makes sense for. */
  readonly on: readonly Asked[];
  /** Whether a chaos campaign plays it. */
  readonly inChaos: boolean;
}

export const PLAIN: Scenario = {
  name: 'plain',
  summary: 'Succeeds.',
  ending: null,
  verdict: APPROVE,
  effect: 'at_once',
  answer: 'plain',
  webhooks: 'once',
  firstInquiry: 'truth',
  on: ASKED,
  inChaos: false,
};

const AUTHORIZING: readonly Asked[] = ['authorize', 'sale'];
/** An issuer is not asked about a void, nor about evidence. */
const DECIDED_BY_THE_ISSUER = ASKED.filter((type) => type !== 'void' && type !== 'evidence');

/** Why an issuer declines, with the last four digits of the amount that make it. */
const DECLINES: Readonly<Record<string, string>> = {
  card_declined: '9001',
  insufficient_funds: '9002',
  card_expired: '9003',
  fraud_suspected: '9004',
  do_not_honor: '9005',
  lost_card: '9006',
  stolen_card: '9007',
  incorrect_cvc: '9008',
  limit_exceeded: '9009',
  processing_error: '9010',
};

const faults: readonly (Partial<Scenario> & Pick<Scenario, 'name' | 'summary'>)[] = [
  {
    name: 'action',
    ending: '9020',
    summary: 'The customer has to act at `action.url` first.',
    verdict: { word: 'ask_customer' },
    on: AUTHORIZING,
  },
  { name: 'slow', ending: '9021', summary: 'Done at once, answered after 5 s.', answer: 'slow' },
  { name: 'silent', ending: '9022', summary: 'Done at once, never answered.', answer: 'never' },
  {
    name: 'silent_before',
    ending: '9023',
    summary: 'Never answered, and nothing is done; a copy is served.',
    effect: 'not_by_the_first',
    answer: 'never',
  },
  { name: '500_after', ending: '9024', summary: 'Done at once, answered with 500.', answer: 'error_500' },
  {
    name: '500_before',
    ending: '9025',
    summary: 'Answered with 500, and nothing is done; a copy is served.',
    effect: 'not_by_the_first',
    answer: 'error_500',
  },
  { name: 'cut_after', ending: '9026', summary: 'Done at once, then the connection is cut.', answer: 'cut' },
  { name: 'webhook_twice', ending: '9027', summary: 'The webhook comes twice, under one id.', webhooks: 'twice' },
  {
    name: 'webhook_first',
    ending: '9028',
    summary: 'The webhook comes before the answer.',
    webhooks: 'before_the_answer',
  },
  {
    name: 'webhook_disorder',
    ending: '9029',
    summary:
      'The webhook comes after the next one about the same authorization, or 5 s late; of a sale, that of the capture comes before that of the authorization.',
    webhooks: 'held_back',
  },
  {
    name: 'inquiry_lies',
    ending: '9030',
    summary: 'Done at once and answered with 500; the first inquiry is told that nobody has heard of it.',
    answer: 'error_500',
    firstInquiry: 'not_found',
  },
  {
    name: 'inquiry_denies',
    ending: '9031',
    summary: 'Done at once and answered with 500; the first inquiry is told that it was declined.',
    answer: 'error_500',
    firstInquiry: 'declined',
    inChaos: false,
  },
  {
    name: 'late_success',
    ending: '9032',
    summary:
      'Done and answered only after 35 s (`SANDBOX_LATE`), when the caller has gone; the webhook tells. Until then inquiries find it `pending`.',
    effect: 'late',
  },
  {
    name: 'try_elsewhere',
    ending: '9033',
    summary: 'Declined with `acquirer_unavailable` and `can_retry_elsewhere`: another acquirer may say yes.',
    verdict: { word: 'decline', code: 'acquirer_unavailable', canRetryElsewhere: true },
    on: AUTHORIZING,
  },
  {
    name: 'approve_part',
    ending: '9034',
    summary: 'Approved for a third of the sum: `authorized`, and of a sale `captured`, are less than `amount`.',
    verdict: { word: 'approve_part' },
    on: AUTHORIZING,
    // What it comes to is for a human.
    inChaos: false,
  },
];

const declines = Object.entries(DECLINES).map(([code, ending]) => ({
  name: `decline_${code}`,
  ending,
  summary: `Declined with \`${code}\`.`,
  verdict: { word: 'decline' as const, code, canRetryElsewhere: false },
  on: DECIDED_BY_THE_ISSUER,
}));

/** Every scenario, in the order of the documentation. */
export const SCENARIOS: readonly Scenario[] = [...declines, ...faults].map((given) => ({
  ...PLAIN,
  inChaos: given.verdict?.word !== 'ask_customer',
  ...given,
}));

const byName = new Map(SCENARIOS.map((scenario) => [scenario.name, scenario]));
const byEnding = new Map(SCENARIOS.map((scenario) => [scenario.ending, scenario]));

/** Cards that succeed. */
export const PLAIN_TOKENS = ['visa', 'mastercard', 'amex', 'discover', 'jcb', 'unionpay', 'maestro'].map(
  (brand) => `tok_${brand}`,
);

/** A token's scenario and the operation it is for; undefined for a token that stands for no card. */
function readToken(token: string): { readonly scenario: Scenario; readonly on: Asked | null } | undefined {
  if (PLAIN_TOKENS.includes(token)) return { scenario: PLAIN, on: null };
  const [, name = '', on] = /^tok_([a-z0-9_]+?)(?:-on-([a-z]+))?$/.exec(token) ?? [];
  const scenario = byName.get(name);
  if (!scenario) return undefined;
  if (on === undefined) return { scenario, on: null };
  const asked = ASKED.find((type) => type === on);
  return asked && { scenario, on: asked };
}

export function isToken(token: string): boolean {
  return readToken(token) !== undefined;
}

/** How often a campaign plays a scenario, and which: the same for the same seed and key, whoever comes first. */
export interface Chaos {
  /** Share of the operations, 0 to 1. */
  readonly share: number;
  readonly seed: string;
}

/**
 * The scenario of an operation: by the token (its own `-on-` first), else by the amount's last four digits, else by chance where
 * a campaign wants that. `token`: the authorization's, where the wish has none.
 */
export function scenarioOf(
  wish: Pick<Wish, 'type' | 'amount' | 'idempotencyKey'>,
  token: string,
  chaos: Chaos,
): Scenario {
  const chosen = byToken(wish.type, token) ?? byAmount(wish.amount) ?? byChance(wish, chaos);
  return chosen?.on.includes(wish.type) ? chosen : PLAIN;
}

function byToken(type: Asked, token: string): Scenario | undefined {
  const read = readToken(token);
  if (!read || read.scenario === PLAIN) return undefined;
  const isMeant = read.on === null ? AUTHORIZING.includes(type) : read.on === type;
  return isMeant ? read.scenario : undefined;
}

function byAmount(amount: bigint | null): Scenario | undefined {
  const digits = amount?.toString() ?? '';
  return digits.length < 4 ? undefined : byEnding.get(digits.slice(-4));
}

function byChance({ type, idempotencyKey }: Pick<Wish, 'type' | 'idempotencyKey'>, { share, seed }: Chaos) {
  if (share === 0) return undefined;
  const hash = createHash('sha256').update(`${seed}\n${idempotencyKey}`).digest();
  if (hash.readUInt32BE(0) / 2 ** 32 >= share) return undefined;
  const playable = SCENARIOS.filter((scenario) => scenario.inChaos && scenario.on.includes(type));
  return playable[hash.readUInt32BE(4) % playable.length];
}

/** The table of the documentation. */
export function scenarioTable(): string {
  const rows = SCENARIOS.map(
    ({ name, ending, on, summary }) => `| \`tok_${name}\` | …${ending} | ${operations(on)} | ${summary} |`,
  );
  return ['| token | amount | on | what happens |', '|---|---|---|---|', ...rows].join('\n');
}

function operations(on: readonly Asked[]): string {
  return on.length === ASKED.length ? 'all' : on.join(', ');
}
