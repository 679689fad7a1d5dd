import type { Operation } from './operation.js';
import { SCHEMAS } from './schemas.js';

/** What of a schema can demand something of an object. */
interface Demands {
  readonly required?: readonly string[];
  readonly minProperties?: number;
  readonly anyOf?: unknown;
  readonly oneOf?: unknown;
}

/** Whether a request without a body is as good as one with `{}`: the operation takes none, or nothing in it must be said. */
export function canDoWithoutBody({ body, scope }: Pick<Operation, 'body' | 'scope'>): boolean {
  if (body === undefined) return true;
  if (scope === 'signature') return false;
  const { required = [], minProperties = 0, anyOf, oneOf } = (SCHEMAS as Record<string, Demands>)[body] ?? {};
  return required.length === 0 && minProperties === 0 && anyOf === undefined && oneOf === undefined;
}
