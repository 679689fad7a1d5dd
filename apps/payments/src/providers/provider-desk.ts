import { crashAt, type NotSentReason } from '@payflow/contracts';
import { connectorNamed, silence_ms, type Connector } from '@payflow/connectors';
import type { Database } from '@payflow/database';
import type { JobRun } from '@payflow/jobs';
import type { Outbox } from '@payflow/messaging';
import { Retry, type RefusalReason } from '@payflow/resilience';
import { logger } from '@payflow/telemetry';
import { isAgainst, isFinal, isOpen, isRouted, type InquirySchedule } from '../domain/attempt.js';
import { requestOf, sendingOf, type Attempt, type AttemptKey } from './attempt.js';
import type { Move } from './attempt.repository.js';
import type { Choice, Choose } from './choice.js';
import { InquiryPlaces, putOff } from './inquiry-places.js';
import { countWord } from './metrics.js';
import type { Decide, Note } from './note.js';
import { isPassing, Notebook } from './notebook.js';
import { askingLater, inquiryOf, type AttemptJob, type ResolveJob } from './provider-jobs.js';
import { sending } from './sending.js';
import {
  answerOf,
  callsForOthers,
  isAskedForLong,
  isToTell,
  lastWord,
  overBy,
  settle,
  type Hearing,
  type Told,
} from './settle.js';
import { brokenOff, wordOf, type Word } from './word.js';

const log = logger('providers');

export interface DeskParts {
  readonly db: Database;
  readonly outbox: Pick<Outbox, 'stageAtCommit'>;
  readonly connectors: readonly Connector[];
  readonly choose: Choose;
  readonly schedule: InquirySchedule;
}

/** An attempt that is noted as being sent, by us. */
interface Taken {
  readonly attempt: Attempt;
  readonly connector: Connector;
  /** Which of its sendings is ours. */
  readonly sending: bigint;
}

/** For so long an attempt waits for room in its connector, where no other can be asked. Then the customer is told. */
const PATIENCE_MS = 60_000;
/** A call takes a fraction of a second, so there is room again after about so long. */
const TURN_MS = 250;

/** A provider's word must not be lost to a minute in which the database is busy or away: it is noted as soon as it can be. */
const NOTING = { retries_max: 8, pause_ms: 100, pause_max_ms: 4_000, budget: { share: 1, saved_max: 1_000 } };

/**
 * Where providers are asked. No transaction is open while one is: what is to be sent is noted and committed, then it is sent,
 * then what came of it is noted, with the message that tells the machine. Whatever is found noted as being sent may have been
 * received, and is never sent again before the provider has been asked.
 */
export class ProviderDesk {
  private readonly noting = new Retry('provider.noting', {
    ...NOTING,
    isTransient: isPassing,
  });

  private readonly notebook: Notebook;
  private readonly places: InquiryPlaces;

  constructor(private readonly parts: DeskParts) {
    this.notebook = new Notebook(parts.db, parts.outbox);
    this.places = new InquiryPlaces(parts.connectors);
  }

  /** The job `provider.ask`. */
  async ask({ data, signal, progress }: JobRun<AttemptJob>): Promise<void> {
    const key = keyOf(data);
    // Noted twice after a COMMIT that was never answered, it counts as sent: the provider is asked, and nothing goes out twice.
    const taken = await this.note(key, (attempt) => this.take(attempt));
    if (!taken) return;
    progress(50);
    const { attempt, connector, sending: ours } = taken;
    const word = await sending(() => connector.ask(requestOf(attempt), { signal }))
      .then((answer) => wordOf('answer', answer))
      .catch((error: unknown) => brokenOff('answer', error));
    const hasOthers = await this.hasOthers(attempt, word);
    const isEnding = isGone(word, signal);
    const isToWait = isEnding || isFull(word, hasOthers);
    if (isToWait && (await this.note(key, (found) => putBack(found, word, { isEnding, ours })))) return;
    await this.hear(key, word, { hasOthers, sending: ours });
    crashAt('provider-after-commit');
  }

  /** The job `provider.inquire`. */
  async inquire({ data, signal, putOff: times }: JobRun<AttemptJob>): Promise<void> {
    const key = keyOf(data);
    const attempt = await this.note(key, look);
    if (!attempt || !isOpen(attempt.status) || attempt.connector === null) return;
    const connector = connectorNamed(this.parts.connectors, attempt.connector);
    // Without the keys to it nobody can be asked, and the attempt waits: for them, or for a human in the end.
    const word = connector
      ? await this.places.in(connector, () =>
          sending(() => connector.inquire(requestOf(attempt), { signal }))
            .then((answer) => wordOf('inquiry', answer))
            .catch((error: unknown) => brokenOff('inquiry', error)),
        )
      : wordOf('inquiry', { outcome: 'unknown', code: 'connector_not_configured', evidence: {} });
    if (!word) return this.note(key, (found) => putOff(found, times));
    await this.hear(key, word, { hasOthers: await this.hasOthers(attempt, word), sending: sendingOf(attempt) });
    crashAt('provider-after-commit');
  }

  /** The job `attempt.resolve`: a human has found out. */
  async resolve({ data }: JobRun<ResolveJob>): Promise<void> {
    const { actor, reason, outcome, code, reference } = data;
    const word: Word = {
      source: 'operator',
      outcome,
      code,
      reference,
      url: null,
      isOthersToTry: false,
      content: { actor, reason },
    };
    await this.hear(keyOf(data), word, { hasOthers: false, actor: `operator:${actor}` });
  }

  /** The job `attempt.retell`: what was told was discarded. */
  async retell({ data }: JobRun<AttemptJob>): Promise<void> {
    const key = keyOf(data);
    const last = await this.note(key, (first) => ({ result: first?.last }));
    if (last !== undefined) await this.note({ ...key, id: last }, tellAgain);
  }

  /** It is being sent, and by whom. Undefined where it is not to be sent: by now, any more, or by anybody. */
  private async take(attempt: Attempt | undefined): Promise<Note<Taken | undefined>> {
    if (attempt?.status === 'sending') return doubt(attempt);
    if (attempt?.status !== 'created') return { result: undefined };
    if (isRouted(attempt.action) && !attempt.isWanted && attempt.takenBy !== null)
      return lookInto(attempt, 'done_again', { connector: attempt.takenBy });
    const over = overBy(attempt);
    if (over && hasBeenAskedAbout(attempt)) return giveUp(attempt, over);
    const choice = await this.choiceFor(attempt);
    if (!choice && isAskedForLong(attempt, this.parts.schedule)) return leaveToHumans(attempt, 'provider_not_reached');
    // Whose keys are gone is asked when they are there again.
    if (!choice && over && attempt.connector !== null) return lookInto(attempt, over, {});
    if (!choice) return giveUp(attempt, over ?? 'provider_not_reached');
    const { connector, explained } = choice;
    // Sent again, it stays with whom it was routed to, and so does why.
    const isChosen = isRouted(attempt.action) && attempt.connector !== null;
    const chosen = { connector: connector.name, ...(isChosen ? {} : { routing: explained }) };
    if (over) return lookInto(attempt, over, chosen);
    return {
      move: { status: 'sending', reason: 'asked', ...chosen },
      result: {
        ...{ attempt: { ...attempt, connector: connector.name }, connector },
        sending: sendingOf({ ...attempt, version: attempt.version + 1n }),
      },
    };
  }

  private async choiceFor(attempt: Attempt): Promise<Choice | undefined> {
    if (attempt.connector === null) return this.parts.choose(attempt);
    const connector = connectorNamed(this.parts.connectors, attempt.connector);
    return connector && { connector, explained: { by: 'payment' } };
  }

  private async hasOthers(attempt: Attempt, word: Word): Promise<boolean> {
    if (!callsForOthers(attempt, word)) return false;
    return (await this.parts.choose({ ...attempt, tried: [...attempt.tried, attempt.connector ?? ''] })) !== undefined;
  }

  /** Notes a word and tells what follows. */
  private async hear(key: AttemptKey, word: Word, by: Pick<Hearing, 'hasOthers' | 'sending' | 'actor'>): Promise<void> {
    const { schedule, connectors } = this.parts;
    const keysKept_ms = (name: string | null) =>
      connectorNamed(connectors, name ?? '')?.capabilities.keysKept_ms ?? null;
    const hearing: Hearing = { ...by, schedule, keysKept_ms };
    const heard = await this.note<Attempt | undefined>(key, (attempt) =>
      attempt ? settle(attempt, word, hearing) : { result: undefined },
    );
    if (heard) countWord(heard, word);
  }

  private note<T>(key: AttemptKey, decide: Decide<T>): Promise<T> {
    return this.noting.run(() => this.notebook.note(key, decide));
  }
}

/**
 * One that has ended is not asked about. Somebody has to look where a webhook says the opposite of how it ended, and where it took
 * the money of a payment that has ended without it: that was noted before the end, and heard after it.
 */
function look(attempt: Attempt | undefined): Note<Attempt | undefined> {
  if (!attempt || !isFinal(attempt.status) || attempt.needsAttention) return { result: attempt };
  const { id, status, action, isGivenUp, told } = attempt;
  const isTakenInVain = action === 'sale' && status === 'approved' && isGivenUp;
  if (!isTakenInVain && !isAgainst(told, status)) return { result: attempt };
  log.error(
    { attempt: id, status },
    isTakenInVain
      ? 'ALARM: a provider took the money of a payment that has ended without it'
      : 'ALARM: a webhook says the opposite of how an attempt ended',
  );
  const reason = isTakenInVain ? 'taken_in_vain' : 'contradicted';
  return { result: attempt, move: { status, reason, needsAttention: true } };
}

/**
 * It never left this process: it waits for its turn, as long as somebody can be expected to wait for it. Where the process `isEnding`,
 * that is no word on it, however long it has waited: another process sends it. Where it has gone on from `ours`, it was put back by us,
 * and COMMIT was not answered, or somebody looks into it: it may be on the wire by another hand, and has its job.
 */
function putBack(
  attempt: Attempt | undefined,
  { content, code }: Word,
  { isEnding, ours }: { readonly isEnding: boolean; readonly ours: bigint },
): Note<boolean> {
  if (attempt?.status !== 'sending' || sendingOf(attempt) !== ours) return { result: true };
  if (!isEnding && attempt.now.getTime() - attempt.createdAt.getTime() > PATIENCE_MS) return { result: false };
  // Whom a provider has asked for silence leaves it alone for so long.
  const asked_ms = silence_ms((content as { readonly retry_after?: unknown }).retry_after);
  const delay_ms = asked_ms + TURN_MS * (1 + Math.random());
  return {
    result: true,
    move: { status: 'created', reason: code ?? 'not_sent' },
    jobs: [askingLater(attempt, delay_ms)],
  };
}

/**
 * Only its provider's word, that it had never heard of it, leads back from `unknown`; and nothing has left since. Of any other, that it
 * was never sent is known of this database alone: it may have been set back, and messages that come once more have the attempt
 * written down anew, before its time is over or after it.
 */
function hasBeenAskedAbout({ unknownAt }: Attempt): boolean {
  return unknownAt !== null;
}

/**
 * It is not to be sent: too late, called off, or because the machine has heard how it ended, from a message that came once more.
 * Whether it was sent, and what it came to, is asked; where its provider knows nothing of it, it ends as not sent, a question later.
 */
function lookInto(attempt: Attempt, reason: string, chosen: Pick<Move, 'connector' | 'routing'>): Note<undefined> {
  const move = { status: 'unknown', reason, ...chosen } as const;
  return { result: undefined, move, jobs: [inquiryOf(attempt, 0)] };
}

/** Whoever noted that it is being sent has died, or is given up: it may have been received. */
function doubt(attempt: Attempt): Note<undefined> {
  const move = { status: 'unknown', reason: 'answer_lost', code: 'answer_lost' } as const;
  return { result: undefined, move, jobs: [inquiryOf(attempt, 0)] };
}

/** Whatever it ended with: one that has not ended tells of itself when it has. */
function tellAgain(attempt: Attempt | undefined): Note<undefined> {
  if (!attempt || !isToTell(attempt.status)) return { result: undefined };
  const word = lastWord(attempt, { ...attempt.said, outcome: attempt.status });
  return { result: undefined, told: [answerOf(attempt, word)] };
}

/** Nobody is asked; where others were asked before and declined, theirs is the word. What a webhook says was done is asked about. */
function giveUp(attempt: Attempt, reason: string): Note<undefined> {
  if (isAgainst(attempt.told, 'not_sent')) return doubt(attempt);
  const word = lastWord(attempt, { outcome: 'not_sent' as Told, code: reason, reference: null, url: null });
  return { result: undefined, move: { status: 'not_sent', reason, code: reason }, told: [answerOf(attempt, word)] };
}

/** Nobody can be asked, and nobody will be for a while: another try would end like this one. */
function leaveToHumans({ id, connector }: Attempt, reason: string): Note<undefined> {
  log.error(
    { attempt: id, connector },
    'ALARM: what is set aside at a provider cannot be given back: there is nobody to ask',
  );
  return { result: undefined, move: { status: 'unknown', reason, code: reason, needsAttention: true } };
}

/** Not sent because the process ends, which is no connector's fault, whatever it was waiting for just then. */
function isGone({ outcome, code }: Word, { aborted }: AbortSignal): boolean {
  return outcome === 'not_sent' && (code === 'caller_gone' || aborted);
}

/** Not taken for want of room, here or at the provider's door, which another connector may have. */
function isFull({ outcome, code }: Word, hasOthers: boolean): boolean {
  return outcome === 'not_sent' && FULL.has(code ?? '') && !hasOthers;
}
const FULL: ReadonlySet<string> = new Set<RefusalReason | NotSentReason>([
  'bulkhead_full',
  'queue_full',
  'queued_too_long',
  'rate_limited',
  'deadline_passed',
  'provider_rate_limited',
]);

function keyOf({ tenant, livemode, attempt }: AttemptJob): AttemptKey {
  return { tenant, livemode, id: attempt };
}
