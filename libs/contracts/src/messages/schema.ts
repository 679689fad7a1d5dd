import { idPattern, type IdKind } from '../ids.js';

/** Building blocks of the message schemas (JSON Schema 2020-12). */
export const id = (kind: IdKind) => ({ type: 'string', pattern: idPattern(kind) });
export const amount = { type: 'string', pattern: '^(0|[1-9][0-9]{0,18})$' };
/** A difference of counters may be negative. */
export const signedAmount = { type: 'string', pattern: '^(0|-?[1-9][0-9]{0,18})$' };
/** A counter may pass below zero only as a difference, never itself. */
export const counter = amount;
export const assetCode = { type: 'string', pattern: '^[A-Z0-9]{3,12}$' };
export const instant = { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$' };
export const version = { type: 'integer', minimum: 0 };
export const reason = { type: 'string', pattern: '^[a-z][a-z0-9_]{1,63}$' };
export const metadata = { type: 'object', additionalProperties: { type: 'string', maxLength: 500 }, maxProperties: 50 };
export const nullable = (schema: object) => ({ anyOf: [schema, { type: 'null' }] });

/** A closed object whose properties are all required, but for those that came later and may be absent. */
export function object(properties: Record<string, object>, optional: Record<string, object> = {}): object {
  return {
    type: 'object',
    properties: { ...properties, ...optional },
    required: Object.keys(properties),
    additionalProperties: false,
  };
}
