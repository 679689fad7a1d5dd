import type { LimitDefined, Refusable, Refusal, RiskRuleDefined, AnyMessage } from '@payflow/contracts';
import type { AnyOutgoing } from '@payflow/messaging';
import { defineLimit, defineRule } from './define.js';
import { keyOfOwner, type Definition, type OwnedPolicy } from './policy.repository.js';

export type DefineType = 'payflow.limit.define.v1' | 'payflow.risk_rule.define.v1';
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

/** Defines limits and rules, in the order they were asked for. `answered`: the commands that were, at an earlier time. */
export function takeDefinitions(
  commands: readonly DefineCommand[],
  answered: ReadonlySet<string>,
  policies: ReadonlyMap<string, OwnedPolicy>,
): DefinitionsTaken {
  const now = new Date().toISOString();
  const known = new Set(answered);
  const definitions: Definition[] = [];
  const repeated: string[] = [];
  const changed = new Map<string, OwnedPolicy>();
  const messages = commands.flatMap((command): AnyOutgoing[] => {
    if (known.has(command.id)) return (repeated.push(command.id), []);
    known.add(command.id);
    const key = keyOfOwner(command);
    const before = policies.get(key) as OwnedPolicy;
    const decision = decide(changed.get(key) ?? before, command, now);
    if (decision.kind === 'refused') {
      definitions.push(definitionOf(command, now, { reason: decision.reason }));
      return [refusal(command, decision.reason, now)];
    }
    if (decision.kind === 'defined') changed.set(key, { ...decision.policy, version: before.version + 1 });
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

function decide(policy: OwnedPolicy, command: DefineCommand, now: string) {
  return command.type === 'payflow.limit.define.v1'
    ? defineLimit(policy, command.data, now)
    : defineRule(policy, command.data, now);
}

function definitionOf(
  { tenant, livemode, id: commandId, type, actor, data }: DefineCommand | DamagedDefine,
  definedAt: string,
  answer: { readonly reason: Refusal } | { readonly terms: LimitDefined | RiskRuleDefined },
): Definition {
  const kind = type === 'payflow.limit.define.v1' ? 'limit' : 'risk_rule';
  const terms = 'terms' in answer ? answer.terms : null;
  const reason = 'reason' in answer ? answer.reason : null;
  const named = { tenant, livemode, commandId, kind, subjectId: data.id, actor, definedAt } as const;
  return { ...named, version: terms?.version ?? null, reason, terms };
}

function definedEvent(command: DefineCommand, terms: LimitDefined | RiskRuleDefined): AnyOutgoing {
  const type = command.type === 'payflow.limit.define.v1' ? 'payflow.limit.defined.v1' : 'payflow.risk_rule.defined.v1';
  return { type, subject: terms.id, aggregateVersion: terms.version, data: terms, cause: command } as AnyOutgoing;
}

function refusal(command: DefineCommand | DamagedDefine, reason: Refusal, now: string): AnyOutgoing {
  const { id } = command.data;
  const type =
    command.type === 'payflow.limit.define.v1' ? 'payflow.limit.rejected.v1' : 'payflow.risk_rule.rejected.v1';
  return { type, subject: id, aggregateVersion: 1, data: { id, reason, recorded_at: now }, cause: command };
}
