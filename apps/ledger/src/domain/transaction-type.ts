import type {
  AccountKind,
  AccountPattern,
  Refusal,
  TransactionTypeDefine,
  TransactionTypeDefined,
} from '@payflow/contracts';
import { refuse, type Refused } from './transfer.js';

/** Which accounts transfers of a type may debit and credit; null is all. Its template is for whoever asks, not for the books. */
export type TransactionType = TransactionTypeDefined;

/** What a posting rule looks at. */
export interface RuledAccount {
  readonly kind: AccountKind;
  readonly path: string | null;
}

export type TypeDecision =
  | { readonly kind: 'standing'; readonly type: TransactionType }
  | { readonly kind: 'defined'; readonly type: TransactionType }
  | Refused;

/** Decides the next version of a type. Defined again as it stands, it keeps its version. */
export function defineType(
  { id, debit, credit, template, if_version }: TransactionTypeDefine,
  latest: TransactionType | undefined,
  now: string,
): TypeDecision {
  if (if_version !== null && if_version !== latest?.version) return refuse('version_differs');
  if (latest && termsOf(latest) === termsOf({ debit, credit, template })) return { kind: 'standing', type: latest };
  // From here the type has another version.
  const version = (latest?.version ?? 0) + 1;
  return { kind: 'defined', type: { id, debit, credit, template, version, defined_at: now } };
}

function termsOf({ debit, credit, template }: Pick<TransactionType, 'debit' | 'credit' | 'template'>): string {
  return JSON.stringify([debit, credit, template]);
}

/** What is wrong with a transfer of a type; an account that is not known is told of by others. */
export function refusalOfType(
  type: TransactionType | undefined,
  { debit, credit }: { readonly debit: RuledAccount | undefined; readonly credit: RuledAccount | undefined },
): Refusal | undefined {
  if (!type) return 'transaction_type_not_found';
  const isKept = (!debit || isMeant(type.debit, debit)) && (!credit || isMeant(type.credit, credit));
  return isKept ? undefined : 'posting_rule_broken';
}

function isMeant(patterns: readonly AccountPattern[] | null, { kind, path }: RuledAccount): boolean {
  if (patterns === null) return true;
  return patterns.some(
    (one) =>
      (one.kind === null || one.kind === kind) && (one.path === null || (path !== null && matchesPath(one.path, path))),
  );
}

/** `*` is one segment, and `**` at the end all that follow, at least one. */
export function matchesPath(pattern: string, path: string): boolean {
  const expected = pattern.split(':');
  const segments = path.split(':');
  const isOpen = expected.at(-1) === '**';
  if (isOpen ? segments.length < expected.length : segments.length !== expected.length) return false;
  return expected.every((segment, at) => segment === '*' || segment === segments[at] || (isOpen && segment === '**'));
}
