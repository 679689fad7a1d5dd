import { fromUuid, OPERATION_KINDS, toUuid, type AttemptStatus } from '@payflow/contracts';
import { readForwardedPage } from '@payflow/invariants';
import type { AttemptPage, AttemptPlace, ToldAttempt } from '../database/attempt-reads.repository.js';

/** Whose code says why. What was unknown once keeps its own for as long as nothing more is known. */
const NOT_DONE: ReadonlySet<AttemptStatus> = new Set<AttemptStatus>(['unknown', 'declined', 'not_sent']);

/** One page of attempts as the API shows them; `next` is where the following one begins. */
export async function attemptPage(
  { after, limit }: AttemptPage,
  read: (page: AttemptPage) => Promise<readonly ToldAttempt[]>,
): Promise<{ readonly data: readonly object[]; readonly next: string | null }> {
  const { data, last } = await readForwardedPage(limit, (rows) => read({ after, limit: rows }), attemptResource);
  return { data, next: last ? formatPlace(last.place) : null };
}

function attemptResource(attempt: ToldAttempt) {
  const { operation, words, sentAt, unknownAt } = attempt;
  return {
    id: attempt.id,
    object: 'attempt',
    payment: attempt.payment,
    operation: { id: operationId(attempt), kind: operation.kind },
    action: attempt.action,
    status: attempt.status,
    number: attempt.number,
    amount: attempt.amount?.toString() ?? null,
    asset: attempt.asset,
    connector: attempt.connector,
    routing: attempt.routing,
    code: NOT_DONE.has(attempt.status) ? attempt.code : null,
    provider_reference: attempt.reference,
    inquiries: attempt.inquiries,
    needs_attention: attempt.needsAttention,
    evidence: words.map(({ receivedAt, ...word }) => ({ ...word, received_at: receivedAt.toISOString() })),
    sent_at: sentAt?.toISOString() ?? null,
    unknown_at: unknownAt?.toISOString() ?? null,
    created_at: attempt.createdAt.toISOString(),
    updated_at: attempt.updatedAt.toISOString(),
  };
}

/** The id that it was asked for under. The first authorization is the payment itself; for an expiry, and for evidence, there is none. */
function operationId({ payment, operation: { kind, uuid } }: ToldAttempt): string | null {
  if (kind === 'authorization') return payment;
  return isAskedFor(kind) ? fromUuid(OPERATION_KINDS[kind], uuid) : null;
}

function isAskedFor(kind: string): kind is keyof typeof OPERATION_KINDS {
  return Object.hasOwn(OPERATION_KINDS, kind);
}

function formatPlace({ created_us, id }: AttemptPlace): string {
  return `${created_us}_${fromUuid('attempt', id)}`;
}

/** Reads what `next` of the page before said; undefined when the text is something else. */
export function parsePlace(text: string): AttemptPlace | undefined {
  const [, created_us, attempt] = /^(\d{1,16})_(.+)$/.exec(text) ?? [];
  const id = attempt && toUuid('attempt', attempt);
  return created_us && id ? { created_us: BigInt(created_us), id } : undefined;
}
