import { context, SpanKind, trace } from '@opentelemetry/api';
import { METRICS } from '@payflow/contracts';
import { isConnectionLoss, OutcomeUnknown, PoolExhausted, type Database, type Transaction } from '@payflow/database';
import { enqueue } from '@payflow/jobs';
import { Pace, type AnyOutgoing, type Outbox, type Staged } from '@payflow/messaging';
import { currentTraceparent, extractTraceContext, histogram } from '@payflow/telemetry';
import type { AttemptKey } from './attempt.js';
import { insertAttempts, keepEvidence, lockAttempts, moveAttempts } from './attempt.repository.js';
import type { Decide, Note } from './note.js';

/** Beyond this a group's statements grow, and its fsync is shared by enough. */
const GROUP_MAX = 100;
/** One waits for its fsync, or for a row that somebody holds, while the other fills. More would only make the groups smaller. */
const GROUPS_IN_FLIGHT_MAX = 2;
/** A card payment is two notes: at 200 payments a second a group gathers for 6 ms, and shares what it costs among as many. */
const PACE = { quiet_per_s: 100, gather_ms_per_rate: 0.02, gather_ms_max: 10 };

const tracer = trace.getTracer('payflow.providers');
const groupSize = histogram(
  METRICS.attemptsNotedTogether,
  'Attempts whose notes shared one transaction.',
  [],
  [1, 2, 4, 8, 16, 32, 64, 128],
);

interface Waiting {
  readonly key: AttemptKey;
  readonly decide: Decide<unknown>;
  /** Of whoever noted it: what follows belongs under it. */
  readonly traceparent: string | undefined;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The database is away, or busy: what failed by it is to be tried again. */
export function isPassing(error: unknown): boolean {
  return isConnectionLoss(error) || error instanceof OutcomeUnknown || error instanceof PoolExhausted;
}

type Decided = { readonly note: Note<unknown> } | { readonly error: unknown };

/**
 * Writes down what becomes of attempts. Notes of the same moment share a transaction, six statements at most whatever their
 * number: its locks, its round trips and its COMMIT are what a call to a provider costs, and hundreds a second would each pay for
 * their own.
 */
export class Notebook {
  private queue: Waiting[] = [];
  private inFlight = 0;
  private isScheduled = false;
  private readonly pace = new Pace(PACE);

  constructor(
    private readonly db: Database,
    private readonly outbox: Pick<Outbox, 'stageAtCommit'>,
  ) {}

  /**
   * Decides under the attempt's lock and writes it down. Rejects with what the decision threw, or with what the transaction failed
   * with; then nothing of it was written, unless that is not known.
   */
  note<T>(key: AttemptKey, decide: Decide<T>): Promise<T> {
    return new Promise<unknown>((resolve, reject) => {
      const bound = context.bind(context.active(), decide);
      this.queue.push({ key, decide: bound, traceparent: currentTraceparent(), resolve, reject });
      this.schedule();
    }) as Promise<T>;
  }

  private schedule(): void {
    if (this.isScheduled || this.queue.length === 0 || this.inFlight >= GROUPS_IN_FLIGHT_MAX) return;
    this.isScheduled = true;
    const start = () => {
      this.isScheduled = false;
      void this.run(this.takeGroup());
      this.schedule();
    };
    const rest_ms = this.queue.length < GROUP_MAX ? this.pace.rest_ms(performance.now()) : 0;
    if (rest_ms >= 1) setTimeout(start, rest_ms);
    else setImmediate(start);
  }

  /** Of two notes on one attempt, the second is decided on what the first has left: in another group. */
  private takeGroup(): Waiting[] {
    const group = new Map<string, Waiting>();
    const left: Waiting[] = [];
    for (const waiting of this.queue) {
      const { id } = waiting.key;
      if (group.size >= GROUP_MAX || group.has(id)) left.push(waiting);
      else group.set(id, waiting);
    }
    this.queue = left;
    return [...group.values()];
  }

  private async run(group: readonly Waiting[]): Promise<void> {
    this.inFlight++;
    this.pace.begin(group.length, performance.now());
    groupSize.observe(group.length);
    try {
      await this.commit(group);
    } catch (error) {
      // Nobody's fault: each is tried again by whoever noted it. Otherwise it is not known whose, and by itself each meets only its own.
      if (group.length === 1 || isPassing(error)) for (const { reject } of group) reject(error);
      else for (const each of group) await this.commit([each]).catch(each.reject);
    } finally {
      this.inFlight--;
      this.schedule();
    }
  }

  private async commit(group: readonly Waiting[]): Promise<void> {
    const { decided, staged } = await inSpan(group, () => this.db.transaction((tx) => this.write(tx, group)));
    staged.publish();
    decided.forEach((each, at) => {
      const { resolve, reject } = group[at] as Waiting;
      if ('error' in each) reject(each.error);
      else resolve(each.note.result);
    });
  }

  /** Load, decide, save. What one decision throws is its own: the others go on. */
  private async write(
    tx: Transaction,
    group: readonly Waiting[],
  ): Promise<{ decided: readonly Decided[]; staged: Staged }> {
    const attempts = await lockAttempts(
      tx,
      group.map(({ key }) => key),
    );
    const decided = await Promise.all(
      group.map(async ({ key, decide }): Promise<Decided> => {
        try {
          return { note: await decide(attempts.get(key.id)) };
        } catch (error) {
          return { error };
        }
      }),
    );
    const parents = new Map<AnyOutgoing, string | undefined>();
    const written = decided.flatMap((each, at) => {
      if ('error' in each) return [];
      const { key, traceparent } = group[at] as Waiting;
      const { move, evidence, other, jobs = [], told = [] } = each.note;
      for (const message of told) parents.set(message, traceparent);
      const attempt = attempts.get(key.id);
      return [
        {
          moves: attempt && move ? [{ attempt, move }] : [],
          evidence: attempt && evidence ? [{ attempt, ...evidence }] : [],
          others: other ? [other] : [],
          jobs: jobs.map((job) => ({ ...job, traceparent: job.traceparent ?? traceparent })),
        },
      ];
    });
    await Promise.all([
      keepEvidence(
        tx,
        written.flatMap(({ evidence }) => evidence),
      ),
      moveAttempts(
        tx,
        written.flatMap(({ moves }) => moves),
      ),
      insertAttempts(
        tx,
        written.flatMap(({ others }) => others),
      ),
      enqueue(
        tx,
        written.flatMap(({ jobs }) => jobs),
      ),
    ]);
    const outgoing = [...parents.keys()];
    const parentOf = (message: AnyOutgoing) => parents.get(message);
    return { decided, staged: this.outbox.stageAtCommit(tx, { outgoing, finished: [], parentOf }) };
  }
}

/** The transaction is in the trace of the first of the group that is recorded, with links to the others. */
function inSpan<T>(group: readonly Waiting[], work: () => Promise<T>): Promise<T> {
  const [parent, ...others] = group.flatMap(({ traceparent }) =>
    traceparent?.endsWith('01') ? [extractTraceContext(traceparent)] : [],
  );
  if (!parent) return work();
  const links = others.flatMap((other) => {
    const linked = trace.getSpanContext(other);
    return linked ? [{ context: linked }] : [];
  });
  const attributes = { 'payflow.group.members': group.length };
  const span = tracer.startSpan('note attempts', { kind: SpanKind.INTERNAL, links, attributes }, parent);
  return context.with(trace.setSpan(parent, span), work).finally(() => span.end());
}
