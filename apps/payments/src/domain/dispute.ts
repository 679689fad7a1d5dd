import {
  derivedUuid,
  fromUuid,
  ownUuid,
  uuidOf,
  type AccountSnapshot,
  type DisputeLeg,
  type DisputeSnapshot,
  type DisputeStatus,
} from '@payflow/contracts';
import { attemptIdOf } from './attempt.js';
import {
  isAsked,
  isDecided,
  isLegalLeg,
  isLegalStatus,
  legAfterSweep,
  legAfterVerdict,
  legAfterWin,
  type DisputeWord,
} from './dispute-states.js';

/** A dispute as this service keeps it. Ids are public ones, but for those that say otherwise. */
export interface Dispute {
  readonly id: string;
  readonly tenant: string;
  readonly livemode: boolean;
  readonly payment: string;
  readonly connector: string;
  readonly providerReference: string;
  readonly status: DisputeStatus;
  readonly leg: DisputeLeg;
  /** How often the ledger was asked for the movement that is due. */
  readonly legTry: number;
  /** The command that the ledger has not answered, and its transfer; null where none is out. */
  readonly legCommand: string | null;
  readonly legTransfer: string | null;
  readonly legReason: string | null;
  readonly amount: string;
  readonly asset: string;
  readonly reason: string | null;
  readonly source: string;
  readonly destination: string;
  readonly evidenceDueBy: string | null;
  readonly evidenceSubmittedAt: string | null;
  /** The command whose evidence is on its way to the provider, and the attempt that takes it there; null where none is. */
  readonly evidenceCommand: string | null;
  readonly evidenceAttempt: string | null;
  readonly transfer: string | null;
  readonly returnTransfer: string | null;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** One movement of the disputed money, as it is asked of the ledger. */
export interface Leg {
  readonly dispute: Dispute;
  readonly direction: 'out' | 'back';
  readonly number: number;
  readonly transfer: string;
  readonly command: string;
}

export type DisputeEvent = 'opened' | 'updated' | 'evidence_submitted' | 'won' | 'lost';

/** Something that others have to hear, or that has to be written down. */
export type DisputeNews =
  | {
      readonly kind: 'changed';
      readonly event: DisputeEvent;
      readonly from: Pick<Dispute, 'status' | 'leg'> | null;
      readonly dispute: Dispute;
      readonly reason: string;
      readonly accounts: readonly AccountSnapshot[];
      /** Of submitted evidence: the command that asked for it. */
      readonly command?: string;
    }
  | { readonly kind: 'leg'; readonly leg: Leg; readonly isRepeat: boolean }
  | { readonly kind: 'evidence_asked'; readonly attempt: string; readonly operation: string }
  | { readonly kind: 'evidence_rejected'; readonly command: string; readonly reason: string };

/** What comes from outside the domain. */
export interface DisputeMoment {
  /** RFC 3339, UTC, ms: the database's clock, read after the locks. */
  readonly now: string;
  /** Its payment has ended, and nothing was captured of it: what was taken for the dispute is not the provider's. */
  readonly isOfNothing: boolean;
  readonly newEventId: () => string;
}

/** A dispute after a message, and what has come of it. */
export interface Course {
  readonly dispute: Dispute;
  readonly news: readonly DisputeNews[];
}

/** What a provider's notice says of a dispute, with the accounts of its payment. */
export interface DisputeFacts extends Pick<
  Dispute,
  | 'tenant'
  | 'livemode'
  | 'payment'
  | 'connector'
  | 'providerReference'
  | 'amount'
  | 'asset'
  | 'reason'
  | 'source'
  | 'destination'
  | 'evidenceDueBy'
> {
  readonly word: DisputeWord;
}

/** Named after what its provider calls it: one that is heard of again, because our database was set back, is the one clients know. */
function idOf({ payment, connector, providerReference }: Omit<DisputeFacts, 'word'>): string {
  return fromUuid('dispute', derivedUuid(uuidOf('payment', payment), `dispute/${connector}/${providerReference}`));
}

/** A dispute that is heard of for the first time, whichever word of it came first: its money has to leave the destination. */
export function firstHeard({ word, ...facts }: DisputeFacts, moment: DisputeMoment): Course {
  const dispute: Dispute = {
    ...facts,
    id: idOf(facts),
    status: word === 'opened' ? 'needs_response' : word,
    leg: 'taking',
    legTry: 0,
    legCommand: null,
    legTransfer: null,
    legReason: null,
    evidenceSubmittedAt: null,
    evidenceCommand: null,
    evidenceAttempt: null,
    transfer: null,
    returnTransfer: null,
    version: 1,
    createdAt: moment.now,
    updatedAt: moment.now,
  };
  const { dispute: asked, news } = ask(dispute, moment);
  return { dispute: asked, news: [changed(word, null, asked, `the provider told that it is ${word}`), ...news] };
}

/**
 * The provider's word on a dispute that is known: what comes of it; or that it is known, or says something else than what was
 * decided. What is decided is never decided anew. Until when evidence is taken may be told later than the dispute.
 */
export function heard(
  dispute: Dispute,
  { word, evidenceDueBy = null }: { readonly word: DisputeWord; readonly evidenceDueBy?: string | null },
  moment: DisputeMoment,
): Course | 'known' | 'contradicts' {
  if (word === 'opened' && isToBeDue(dispute, evidenceDueBy)) {
    const reason = 'the provider told until when it takes evidence';
    return move(dispute, { evidenceDueBy }, { event: 'updated', reason }, moment);
  }
  if (word === 'opened' || word === dispute.status) return 'known';
  if (isDecided(dispute.status)) return 'contradicts';
  const leg = word === 'won' ? legAfterWin(dispute.leg) : dispute.leg;
  // What need not be moved any more is refused by nobody.
  const change = { status: word, leg, ...(leg === 'waived' ? { legReason: null } : {}) };
  return move(dispute, change, { event: word, reason: `the provider told that it is ${word}` }, moment);
}

/** The first time that is told stands: copies and older words come in any order. */
function isToBeDue({ status, evidenceDueBy: known }: Dispute, told: string | null): boolean {
  return told !== null && known === null && !isDecided(status);
}

/** The ledger's word on the movement that was asked of it. */
export function legAnswered(
  dispute: Dispute,
  verdict: {
    readonly isPosted: boolean;
    readonly reason: string | null;
    readonly accounts: readonly AccountSnapshot[];
  },
  moment: DisputeMoment,
): Course | 'known' {
  const { leg, status } = dispute;
  if (!isAsked(leg)) return 'known';
  const { isPosted, reason, accounts } = verdict;
  const booked = leg === 'taking' ? { transfer: dispute.legTransfer } : { returnTransfer: dispute.legTransfer };
  const next = legAfterVerdict(leg, isPosted, status, moment.isOfNothing);
  const change: Partial<Dispute> = {
    ...(isPosted ? booked : {}),
    ...(isPosted ? { legTry: 0 } : {}),
    leg: next,
    legReason: isPosted || next === 'waived' ? null : reason,
    legCommand: null,
    legTransfer: null,
  };
  const why = isPosted ? 'the ledger booked it' : `the ledger refused: ${reason ?? 'no reason'}`;
  return move(dispute, change, { event: 'updated', reason: why, accounts }, moment);
}

/**
 * Nothing was heard for long, or the ledger refused: it is asked again, with the same command or, after a refusal, a new one. What
 * was taken for a payment that then ended with nothing captured is given back: its provider says that it took nothing.
 */
export function swept(dispute: Dispute, moment: DisputeMoment): Course | 'known' {
  if (isAsked(dispute.leg)) return { dispute, news: [{ kind: 'leg', leg: legOf(dispute), isRepeat: true }] };
  const leg = legAfterSweep(dispute.leg, moment.isOfNothing);
  if (leg === undefined) return 'known';
  const isOver = moment.isOfNothing && dispute.leg !== 'return_refused';
  const reason = isOver ? 'nothing was captured of its payment' : 'asked again';
  return move(dispute, { leg, ...(leg === 'waived' ? { legReason: null } : {}) }, { event: 'updated', reason }, moment);
}

interface AskedEvidence {
  readonly command: string;
  readonly createdAt: string;
  /** The version that was seen, and that it must not have gone past; undefined: any will do. */
  readonly ifVersion: number | undefined;
}

/** Evidence is taken while the provider waits for it, and once; where it is for what was seen, that is what must be there. */
export function evidenceAsked(dispute: Dispute, { command, createdAt, ifVersion }: AskedEvidence): Course | 'known' {
  if (dispute.evidenceCommand === command) return 'known';
  // One that has not come so far is of a database that was set back, and what the provider was given it has.
  if (ifVersion !== undefined && ifVersion < dispute.version)
    return { dispute, news: [{ kind: 'evidence_rejected', command, reason: 'version_differs' }] };
  const isTooLate = dispute.evidenceDueBy !== null && createdAt > dispute.evidenceDueBy;
  if (dispute.status !== 'needs_response' || dispute.evidenceCommand !== null || isTooLate)
    return { dispute, news: [{ kind: 'evidence_rejected', command, reason: 'evidence_not_accepted' }] };
  const operation = derivedUuid(uuidOf('event', command), 'evidence');
  const attempt = attemptIdOf(dispute, operation, 1);
  return {
    dispute: { ...dispute, evidenceCommand: command, evidenceAttempt: attempt },
    news: [{ kind: 'evidence_asked', attempt, operation }],
  };
}

/** The provider's answer to the evidence. What it did not take may be sent anew. */
export function evidenceAnswered(
  dispute: Dispute,
  answer: { readonly attempt: string; readonly isApproved: boolean; readonly code: string | null },
  moment: DisputeMoment,
): Course | 'known' {
  const { evidenceCommand: command } = dispute;
  if (command === null || dispute.evidenceAttempt !== answer.attempt) return 'known';
  const ended = { ...dispute, evidenceCommand: null, evidenceAttempt: null };
  const rejected = (reason: string): Course => ({
    dispute: ended,
    news: [{ kind: 'evidence_rejected', command, reason }],
  });
  if (!answer.isApproved) return rejected(answer.code ?? 'evidence_declined');
  // Decided meanwhile: the provider has it, and nobody waits for it any more.
  if (isDecided(dispute.status)) return rejected('evidence_not_accepted');
  const change = { status: 'under_review', evidenceSubmittedAt: moment.now } as const;
  return move(ended, change, { event: 'evidence_submitted', reason: 'the provider has the evidence', command }, moment);
}

/** The dispute's public state. */
export function disputeState(dispute: Dispute, accounts: readonly AccountSnapshot[]): DisputeSnapshot {
  return {
    id: dispute.id,
    payment: dispute.payment,
    connector: dispute.connector,
    provider_reference: dispute.providerReference,
    status: dispute.status,
    leg: dispute.leg,
    leg_reason: dispute.legReason,
    amount: dispute.amount,
    amount_disputed: amountDisputed(dispute),
    asset: dispute.asset,
    reason: dispute.reason,
    source: dispute.source,
    destination: dispute.destination,
    evidence_due_by: dispute.evidenceDueBy,
    evidence_submitted_at: dispute.evidenceSubmittedAt,
    transfer: dispute.transfer,
    return_transfer: dispute.returnTransfer,
    version: dispute.version,
    created_at: dispute.createdAt,
    updated_at: dispute.updatedAt,
    accounts,
  };
}

/** What of it the payment cannot give back. */
export function amountDisputed({ status, amount }: Pick<Dispute, 'status' | 'amount'>): string {
  return status === 'won' ? '0' : amount;
}

/** The movement that is out, made anew from what is kept: the same command, byte for byte. */
function legOf(dispute: Dispute): Leg {
  const { legTransfer: transfer, legCommand: command } = dispute;
  if (transfer === null || command === null) throw new TypeError('a dispute waits for the ledger without a command');
  const direction = dispute.leg === 'taking' ? 'out' : 'back';
  return { dispute, direction, number: dispute.legTry, transfer, command };
}

/** One change: a version more, told and logged; where money has to move for it, the ledger is asked. */
function move(
  dispute: Dispute,
  change: Partial<Dispute>,
  told: {
    readonly event: DisputeEvent;
    readonly reason: string;
    readonly accounts?: readonly AccountSnapshot[];
    readonly command?: string;
  },
  moment: DisputeMoment,
): Course {
  const next = { ...dispute, ...change, version: dispute.version + 1, updatedAt: moment.now };
  if (!isLegalStatus(dispute.status, next.status) || !isLegalLeg(dispute.leg, next.leg))
    throw new TypeError(`a dispute cannot go from ${dispute.status}, ${dispute.leg} to ${next.status}, ${next.leg}`);
  const { dispute: asked, news } =
    isAsked(next.leg) && next.legCommand === null ? ask(next, moment) : { dispute: next, news: [] };
  return { dispute: asked, news: [changed(told.event, dispute, asked, told.reason, told), ...news] };
}

/** Every try has ids of its own, the same if it is made again, and none that a client can choose: the ledger keeps its verdicts by them. */
function ask(dispute: Dispute, moment: DisputeMoment): Course {
  const legTry = dispute.legTry + 1;
  const transfer = ownUuid(uuidOf('dispute', dispute.id), `${dispute.leg}:${legTry}`);
  const legTransfer = fromUuid('transfer', transfer);
  const asked = { ...dispute, legTry, legTransfer, legCommand: moment.newEventId() };
  return { dispute: asked, news: [{ kind: 'leg', leg: legOf(asked), isRepeat: false }] };
}

function changed(
  event: DisputeEvent,
  from: Pick<Dispute, 'status' | 'leg'> | null,
  dispute: Dispute,
  reason: string,
  { accounts = [], command }: { readonly accounts?: readonly AccountSnapshot[]; readonly command?: string } = {},
): DisputeNews {
  return { kind: 'changed', event, from, dispute, reason, accounts, ...(command === undefined ? {} : { command }) };
}
