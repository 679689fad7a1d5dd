import { context, SpanKind, trace } from '@opentelemetry/api';
import { METRICS } from '@payflow/contracts';
import { isConnectionLoss, OutcomeUnknown, PoolExhausted, type Database, type Transaction } from '@payflow/database';
import { enqueue } from '@payflow/jobs';
import { GroupCommit, type AnyOutgoing, type Outbox, type Staged } from '@payflow/messaging';
import { currentTraceparent, extractTraceContext, histogram } from '@payflow/telemetry';
import { isLegalMove } from '../domain/attempt-transitions.js';
import type { Attempt, AttemptKey } from './attempt.js';
import { insertAttempts, keepEvidence, lockAttempts, moveAttempts } from './attempt.repository.js';
import type { Decide, Note } from './note.js';

/** Beyond this a group's statements grow, and its fsync is shared by enough. */
const GROUP_MAX = 100;
/** A card payment is two notes: at 200 payments a second a group gathers for 6 ms, and shares what it costs among as many. */
const PACE = { quiet_per_s: 100, gather_ms_per_rate: 0.02, gather_ms_max: 10 };

const tracer = trace.getTracer('payflow.providers');
const groupSize = histogram(
  METRICS.attemptsNotedTogether,
  'Attempts whose notes shared one transaction.',
  [],
  [1, 2, 4, 8, 16, 32, 64, 128],
);

interface Noting {
  readonly key: AttemptKey;
  readonly decide: Decide<unknown>;
  /** Of whoever noted it: what follows belongs under it. */
  readonly traceparent: string | undefined;
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
  private readonly groups: GroupCommit<Noting, Decided>;

  constructor(
    private readonly db: Database,
    private readonly outbox: Pick<Outbox, 'stageAtCommit'>,
  ) {
    this.groups = new GroupCommit({
      commit: (group) => this.commit(group),
      // Of two notes on one attempt, the second is decided on what the first has left.
      identities: ({ key }) => [key.id],
      weight_max: GROUP_MAX,
      pace: PACE,
      onGroup: (members) => groupSize.observe(members),
    });
  }

  /**
   * Decides under the attempt's lock and writes it down, however many wait: a provider has been asked, or has answered. Rejects with
   * what the decision threw, or with what the transaction failed with; then nothing of it was written, unless that is not known.
   */
  async note<T>(key: AttemptKey, decide: Decide<T>): Promise<T> {
    const bound = context.bind(context.active(), decide);
    const decided = await this.groups.submit({ key, decide: bound, traceparent: currentTraceparent() });
    if ('error' in decided) throw decided.error;
    return decided.note.result as T;
  }

  /** Where they cannot be written together, it is not known whose fault it is, and by itself each meets only its own. */
  private async commit(group: readonly Noting[]): Promise<readonly Decided[]> {
    try {
      return await this.commitTogether(group);
    } catch (error) {
      // Nobody's fault: each is tried again by whoever noted it.
      if (group.length === 1 || isPassing(error)) throw error;
      const decided: Decided[] = [];
      for (const each of group)
        decided.push(...(await this.commitTogether([each]).catch((its: unknown) => [{ error: its }])));
      return decided;
    }
  }

  private async commitTogether(group: readonly Noting[]): Promise<readonly Decided[]> {
    const { decided, staged } = await inSpan(group, () => this.db.transaction((tx) => this.write(tx, group)));
    staged.publish();
    return decided;
  }

  /** Load, decide, save. What one decision throws is its own: the others go on. */
  private async write(
    tx: Transaction,
    group: readonly Noting[],
  ): Promise<{ decided: readonly Decided[]; staged: Staged }> {
    const attempts = await lockAttempts(
      tx,
      group.map(({ key }) => key),
    );
    const decided = await Promise.all(
      group.map(async ({ key, decide }): Promise<Decided> => {
        try {
          const attempt = attempts.get(key.id);
          return { note: lawful(attempt, await decide(attempt)) };
        } catch (error) {
          return { error };
        }
      }),
    );
    const parents = new Map<AnyOutgoing, string | undefined>();
    const written = decided.flatMap((each, at) => {
      if ('error' in each) return [];
      const { key, traceparent } = group[at] as Noting;
      const { move, evidence, other, jobs = [], told = [] } = each.note;
      for (const message of told) parents.set(message, traceparent);
      const attempt = attempts.get(key.id);
      return [
        {
          moves: attempt && move ? [{ attempt, move, traceparent }] : [],
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

/** A way that there is not is a bug of whoever decided, and never written. */
function lawful<T>(attempt: Attempt | undefined, note: Note<T>): Note<T> {
  const to = note.move?.status;
  if (attempt && to && !isLegalMove(attempt.status, to))
    throw new TypeError(`${attempt.id} cannot go from ${attempt.status} to ${to}`);
  return note;
}

/** The transaction is in the trace of the first of the group that is recorded, with links to the others. */
function inSpan<T>(group: readonly Noting[], work: () => Promise<T>): Promise<T> {
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
