import type { BulkView } from '../domain/bulk.js';
import type { GroupWrite, KeyedWrite, PostWrite } from './acceptable.js';

/** A transfer of a bulk whose items are each their own. */
export interface BulkTransfer {
  readonly write: PostWrite;
  /** SHA-256 of what is asked for, where the client chose the id; null where nobody can ask for it again. */
  readonly contentHash: Buffer | null;
}

/** What a bulk asks for, with all that was wrong in it already told. */
export interface BulkPlan {
  readonly view: BulkView;
  /** One per transfer of an independent bulk. */
  readonly transfers: readonly BulkTransfer[];
  /** The one command of the other modes, unless nothing is left to be asked for. */
  readonly group: GroupWrite | undefined;
  /** SHA-256 of what is asked for, where the client chose the bulk's id. */
  readonly contentHash?: Buffer;
  /** What the same was known by before its terms were hashed by what they mean, where that is another. */
  readonly formerHash?: Buffer;
}

/** A bulk that asks to be made durable. */
export interface BulkAcceptable extends KeyedWrite {
  /** Id of the API key. */
  readonly actor: string;
  readonly requestId: string;
  readonly traceparent: string | undefined;
  readonly plan: BulkPlan;
}

export type BulkAcceptance =
  | { readonly outcome: 'accepted' }
  /** A copy of a bulk that was accepted before. */
  | { readonly outcome: 'joined'; readonly resourceId: string; readonly idempotencyKey: string }
  | { readonly outcome: 'refused'; readonly code: 'idempotency_key_reused' | 'id_reused' };

/** The plan without what stands from this place on: it was not to be had, and the bulk stops there. */
export function stoppedBefore(plan: BulkPlan, place: number, code: 'id_reused'): BulkPlan {
  const { view, group } = plan;
  const transfers = view.transfers.map((id, index) => (index < place ? id : null));
  const stopped: BulkView = { ...view, transfers, problems: [{ index: place, code }], stoppedAt: place };
  return { ...plan, view: stopped, group: group && place > 0 ? shortened(group, place) : undefined };
}

function shortened(group: GroupWrite, legs: number): GroupWrite {
  return {
    ...group,
    command: { ...group.command, legs: group.command.legs.slice(0, legs) },
    view: { ...group.view, transfers: group.view.transfers.slice(0, legs) },
  };
}

/** The plan without transfers that are there already: a copy of what was asked for before shows that one, any other is refused. */
export function withoutKnown(plan: BulkPlan, known: ReadonlySet<string>, reused: ReadonlySet<string>): BulkPlan {
  const { view } = plan;
  const refused = view.transfers.flatMap((id, index) => (id !== null && reused.has(id) ? [index] : []));
  const problems = [...view.problems, ...refused.map((index) => ({ index, code: 'id_reused' }))];
  return {
    ...plan,
    view: {
      ...view,
      transfers: view.transfers.map((id) => (id !== null && reused.has(id) ? null : id)),
      problems: problems.sort((a, b) => a.index - b.index),
    },
    transfers: plan.transfers.filter(({ write }) => !known.has(write.view.id)),
  };
}
