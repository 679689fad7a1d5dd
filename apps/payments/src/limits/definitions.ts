import type { LimitDefined, Refusable, Refusal, RiskRuleDefined, AnyMessage } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import type { AnyOutgoing } from '@payflow/messaging';
import { defineLimit, defineRule } from './define.js';
import {
  answeredCommands,
  keyOfOwner,
  savePolicies,
  type Definition,
  type OwnedPolicy,
  type Policies,
} from './policy.repository.js';

export type DefineType = 'payflow.limit.define.v1' | 'payflow.risk_rule.define.v1';
export type DefineCommand = AnyMessage<DefineType>;
export type DamagedDefine = Refusable<DefineType>;

export interface DefinitionsTaken {
  readonly messages: AnyOutgoing[];
  readonly repeated: string[];
  /** The policies as they are now, by {@link keyOfOwner}: later in the same transaction they need not be read again. */
  readonly policies: Map<string, OwnedPolicy>;
}

/** Defines limits and rules, in the order they were asked for. Three statements, and none where there is nothing to define. */
export async function takeDefinitions(
  tx: Transaction,
  policies: Policies,
  commands: readonly DefineCommand[],
): Promise<DefinitionsTaken> {
  if (commands.length === 0) return { messages: [], repeated: [], policies: new Map() };
  const [answered, loaded] = await Promise.all([answeredCommands(tx, commands), policies.load(tx, commands)]);
  const now = new Date().toISOString();
  const definitions: Definition[] = [];
  const repeated: string[] = [];
  const changed = new Map<string, OwnedPolicy>();
  const messages = commands.flatMap((command): AnyOutgoing[] => {
    if (answered.has(command.id)) return (repeated.push(command.id), []);
    answered.add(command.id);
    const key = keyOfOwner(command);
    const before = loaded.get(key) as OwnedPolicy;
    const decision = decide(changed.get(key) ?? before, command, now);
    if (decision.kind === 'refused') {
      definitions.push(definitionOf(command, now, { reason: decision.reason }));
      return [refusal(command, decision.reason, now)];
    }
    if (decision.kind === 'defined') changed.set(key, { ...decision.policy, version: before.version + 1 });
    definitions.push(definitionOf(command, now, { terms: decision.terms }));
    return [definedEvent(command, decision.terms)];
  });
  if (definitions.length > 0) await savePolicies(tx, [...changed.values()], definitions);
  return { messages, repeated, policies: new Map([...loaded, ...changed]) };
}

/** Refuses those that were not answered before: given up by an operator, or too damaged to be carried out. */
export async function refuseDefinitions(
  tx: Transaction,
  commands: readonly DamagedDefine[],
  reason: Refusal,
): Promise<{ messages: AnyOutgoing[]; repeated: string[] }> {
  if (commands.length === 0) return { messages: [], repeated: [] };
  const answered = await answeredCommands(tx, commands);
  const fresh = [...new Map(commands.filter(({ id }) => !answered.has(id)).map((one) => [one.id, one])).values()];
  const now = new Date().toISOString();
  if (fresh.length > 0)
    await savePolicies(
      tx,
      [],
      fresh.map((command) => definitionOf(command, now, { reason })),
    );
  return {
    messages: fresh.map((command) => refusal(command, reason, now)),
    repeated: commands.map(({ id }) => id).filter((id) => answered.has(id)),
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
