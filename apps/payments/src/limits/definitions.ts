import type { Refusable, Refusal, AnyMessage } from '@payflow/contracts';
import type { AnyOutgoing } from '@payflow/messaging';
import { defineLimit, defineRule, deleteLimit, deleteRule } from './define.js';
import {
  keyOfOwner,
  keyOfSubject,
  type Definition,
  type Ended,
  type OwnedPolicy,
  type Subject,
} from './policy.repository.js';

const LIMIT = { kind: 'limit', refused: 'payflow.limit.rejected.v1' } as const;
const RULE = { kind: 'risk_rule', refused: 'payflow.risk_rule.rejected.v1' } as const;

/** What the commands are about, and what is told of them. */
const TOLD = {
  'payflow.limit.define.v1': { ...LIMIT, done: 'payflow.limit.defined.v1' },
  'payflow.limit.delete.v1': { ...LIMIT, done: 'payflow.limit.deleted.v1' },
  'payflow.risk_rule.define.v1': { ...RULE, done: 'payflow.risk_rule.defined.v1' },
  'payflow.risk_rule.delete.v1': { ...RULE, done: 'payflow.risk_rule.deleted.v1' },
} as const;

export type DefineType = keyof typeof TOLD;
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
  /** Limits and rules that were deleted, by {@link keyOfSubject}. */
  readonly deleted: ReadonlyMap<string, Ended>;
}

/** Defines and deletes limits and rules, in the order they were asked for. */
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
    const subject = keyOfSubject(subjectOf(command));
    const before = changed.get(key) ?? loaded;
    const decision = decide(before, command, now, deleted.get(subject));
    if (decision.kind === 'refused') {
      definitions.push(definitionOf(command, now, { reason: decision.reason }));
      return [refusal(command, decision.reason, now)];
    }
    const { terms } = decision;
    if (decision.kind === 'defined') changed.set(key, { ...decision.policy, version: loaded.version + 1 });
    const countsFrom = countingFrom(changed.get(key), command) ?? countingFrom(before, command) ?? 1;
    if ('deleted_at' in terms)
      deleted.set(subject, { version: terms.version, counted: 'asset' in terms ? terms : null, countsFrom });
    definitions.push(definitionOf(command, now, { terms, countsFrom }));
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

/** The limit or the rule that a command is about. */
export function subjectOf({ tenant, livemode, type, data }: DefineCommand | DamagedDefine): Subject {
  return { tenant, livemode, kind: TOLD[type].kind, subjectId: data.id };
}

function decide(policy: OwnedPolicy, command: DefineCommand, now: string, deleted: Ended | undefined) {
  switch (command.type) {
    case 'payflow.limit.define.v1':
      return defineLimit(policy, command.data, now, deleted);
    case 'payflow.limit.delete.v1':
      return deleteLimit(policy, command.data, now);
    case 'payflow.risk_rule.define.v1':
      return defineRule(policy, command.data, now, deleted);
    case 'payflow.risk_rule.delete.v1':
      return deleteRule(policy, command.data, now);
    default:
      return command satisfies never;
  }
}

/** The version of a limit or a rule that began to count; undefined where the policy has none of the id. */
function countingFrom(policy: OwnedPolicy | undefined, { data: { id } }: DefineCommand): number | undefined {
  return [...(policy?.limits ?? []), ...(policy?.rules ?? [])].find((one) => one.id === id)?.counts_from;
}

type Terms = NonNullable<Definition['terms']>;

function definitionOf(
  command: DefineCommand | DamagedDefine,
  definedAt: string,
  answer: { readonly reason: Refusal } | (Pick<Definition, 'countsFrom'> & { readonly terms: Terms }),
): Definition {
  const terms = 'terms' in answer ? answer.terms : null;
  const reason = 'reason' in answer ? answer.reason : null;
  const named = { ...subjectOf(command), commandId: command.id, actor: command.actor, definedAt };
  const countsFrom = 'terms' in answer ? answer.countsFrom : undefined;
  return { ...named, version: terms?.version ?? null, reason, terms, countsFrom };
}

function definedEvent(command: DefineCommand, terms: Terms): AnyOutgoing {
  const type = TOLD[command.type].done;
  return { type, subject: terms.id, aggregateVersion: terms.version, data: terms, cause: command } as AnyOutgoing;
}

function refusal(command: DefineCommand | DamagedDefine, reason: Refusal, now: string): AnyOutgoing {
  const { id } = command.data;
  const type = TOLD[command.type].refused;
  return { type, subject: id, aggregateVersion: 1, data: { id, reason, recorded_at: now }, cause: command };
}
