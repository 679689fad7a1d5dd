import type { LimitDefined, LimitDeleted, Refusable, Refusal, RiskRuleDefined, AnyMessage } from '@payflow/contracts';
import type { AnyOutgoing } from '@payflow/messaging';
import { defineLimit, defineRule, deleteLimit } from './define.js';
import { keyOfLimit, keyOfOwner, type Definition, type OwnedPolicy } from './policy.repository.js';

export type DefineType = 'payflow.limit.define.v1' | 'payflow.limit.delete.v1' | 'payflow.risk_rule.define.v1';
export type DefineCommand = AnyMessage<DefineType>;
export type DamagedDefine = Refusable<DefineType>;

export interface DefinitionsTaken {
  readonly messages: readonly AnyOutgoing[];
  readonly repeated: readonly string[];
  /** Policies at their next version, by {@link keyOfOwner}. */
  readonly changed: ReadonlyMap<string, OwnedPolicy>;
  /** What is to be kept of the answers. */
  readonly definitions: readonly Definition[];
}

/** What definitions are made on. */
export interface Definable {
  /** Ids of those of the commands that were answered at an earlier time. */
  readonly answered: ReadonlySet<string>;
  /** By {@link keyOfOwner}. */
  readonly policies: ReadonlyMap<string, OwnedPolicy>;
  /** Versions of limits that were deleted, by {@link keyOfLimit}. */
  readonly deleted: ReadonlyMap<string, number>;
}

/** Defines limits and rules, and deletes limits, in the order they were asked for. */
export function takeDefinitions(
  commands: readonly DefineCommand[],
  { answered, policies, deleted: before }: Definable,
): DefinitionsTaken {
  const now = new Date().toISOString();
  const deleted = new Map(before);
  const known = new Set(answered);
  const definitions: Definition[] = [];
  const repeated: string[] = [];
  const changed = new Map<string, OwnedPolicy>();
  const messages = commands.flatMap((command): AnyOutgoing[] => {
    if (known.has(command.id)) return (repeated.push(command.id), []);
    known.add(command.id);
    const key = keyOfOwner(command);
    const loaded = policies.get(key) as OwnedPolicy;
    const decision = decide(changed.get(key) ?? loaded, command, now, deleted);
    if (decision.kind === 'refused') {
      definitions.push(definitionOf(command, now, { reason: decision.reason }));
      return [refusal(command, decision.reason, now)];
    }
    if (decision.kind === 'defined') changed.set(key, { ...decision.policy, version: loaded.version + 1 });
    if (command.type === 'payflow.limit.delete.v1')
      deleted.set(keyOfLimit({ ...command, id: command.data.id }), decision.terms.version);
    definitions.push(definitionOf(command, now, { terms: decision.terms }));
    return [definedEvent(command, decision.terms)];
  });
  return { messages, repeated, changed, definitions };
}

/** Refuses those that were not answered before: given up by an operator, or too damaged to be carried out. */
export function refuseDefinitions(
  commands: readonly DamagedDefine[],
  answered: ReadonlySet<string>,
  reason: Refusal,
): Omit<DefinitionsTaken, 'changed'> {
  const fresh = [...new Map(commands.filter(({ id }) => !answered.has(id)).map((one) => [one.id, one])).values()];
  const now = new Date().toISOString();
  return {
    messages: fresh.map((command) => refusal(command, reason, now)),
    repeated: commands.map(({ id }) => id).filter((id) => answered.has(id)),
    definitions: fresh.map((command) => definitionOf(command, now, { reason })),
  };
}

function decide(policy: OwnedPolicy, command: DefineCommand, now: string, deleted: ReadonlyMap<string, number>) {
  switch (command.type) {
    case 'payflow.limit.define.v1':
      return defineLimit(policy, command.data, now, deleted.get(keyOfLimit({ ...command, id: command.data.id })));
    case 'payflow.limit.delete.v1':
      return deleteLimit(policy, command.data, now);
    default:
      return defineRule(policy, command.data, now);
  }
}

type Terms = LimitDefined | LimitDeleted | RiskRuleDefined;

function definitionOf(
  { tenant, livemode, id: commandId, type, actor, data }: DefineCommand | DamagedDefine,
  definedAt: string,
  answer: { readonly reason: Refusal } | { readonly terms: Terms },
): Definition {
  const kind = type === 'payflow.risk_rule.define.v1' ? 'risk_rule' : 'limit';
  const terms = 'terms' in answer ? answer.terms : null;
  const reason = 'reason' in answer ? answer.reason : null;
  const named = { tenant, livemode, commandId, kind, subjectId: data.id, actor, definedAt } as const;
  return { ...named, version: terms?.version ?? null, reason, terms };
}

const TOLD = {
  'payflow.limit.define.v1': { done: 'payflow.limit.defined.v1', refused: 'payflow.limit.rejected.v1' },
  'payflow.limit.delete.v1': { done: 'payflow.limit.deleted.v1', refused: 'payflow.limit.rejected.v1' },
  'payflow.risk_rule.define.v1': { done: 'payflow.risk_rule.defined.v1', refused: 'payflow.risk_rule.rejected.v1' },
} as const satisfies Record<DefineType, object>;

function definedEvent(command: DefineCommand, terms: Terms): AnyOutgoing {
  const type = TOLD[command.type].done;
  return { type, subject: terms.id, aggregateVersion: terms.version, data: terms, cause: command } as AnyOutgoing;
}

function refusal(command: DefineCommand | DamagedDefine, reason: Refusal, now: string): AnyOutgoing {
  const { id } = command.data;
  const type = TOLD[command.type].refused;
  return { type, subject: id, aggregateVersion: 1, data: { id, reason, recorded_at: now }, cause: command };
}
