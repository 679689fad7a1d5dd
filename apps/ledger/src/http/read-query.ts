import {
  MONTH_PATTERN,
  toUuid,
  TRANSFER_KINDS,
  TYPE_NAME_PATTERN,
  type IdKind,
  type TransferKind,
} from '@payflow/contracts';
import { parseAmount } from '@payflow/money';
import { Problem } from '@payflow/service';
import { BASES, type Basis } from '../database/balance-sums.js';
import { parseVersion, type MetadataQuery } from '../reads/metadata-history.js';

/** The parameters of a read as the gateway forwards them: it has told the caller what is wrong with theirs. */
export type Query = Readonly<Record<string, string | undefined>>;

/** Lines of a page where the gateway does not say how many. */
export const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 200;

/** Reads one parameter. Throws `invalid_parameter` where it is given and `read` makes nothing of it. */
export function optional<T>(query: Query, name: string, read: (text: string) => T | undefined): T | undefined {
  const text: unknown = query[name];
  if (text === undefined) return undefined;
  const value = typeof text === 'string' ? read(text) : undefined;
  if (value !== undefined) return value;
  throw new Problem('invalid_parameter', {
    errors: [{ pointer: name, code: 'malformed', detail: 'Is not what it must be.' }],
  });
}

export function required<T>(query: Query, name: string, read: (text: string) => T | undefined): T {
  const value = optional(query, name, read);
  if (value !== undefined) return value;
  throw new Problem('invalid_parameter', { errors: [{ pointer: name, code: 'missing', detail: 'Must be given.' }] });
}

/** An instant as the gateway writes it: RFC 3339, UTC, ms. */
export function instant(text: string): Date | undefined {
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString() === text ? new Date(time) : undefined;
}

export function basis(text: string): Basis | undefined {
  return BASES.find((one) => one === text);
}

export function kind(text: string): TransferKind | undefined {
  return TRANSFER_KINDS.find((one) => one === text);
}

export function limit(text: string): number | undefined {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  return count >= 1 && count <= LIMIT_MAX ? count : undefined;
}

export const id =
  (kind: IdKind) =>
  (text: string): string | undefined =>
    toUuid(kind, text) === undefined ? undefined : text;

export const amount = (text: string): bigint | undefined => parseAmount(text);

/** Which page of a history of metadata. */
export function metadataQuery(query: Query): MetadataQuery {
  return { limit: optional(query, 'limit', limit) ?? LIMIT_DEFAULT, after: optional(query, 'after', parseVersion) };
}

const TYPE_NAME = new RegExp(TYPE_NAME_PATTERN);

export function typeName(text: string): string | undefined {
  return TYPE_NAME.test(text) ? text : undefined;
}

/** An object of texts, as JSON: what metadata must have. */
export function members(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject && Object.values(value).every((one) => typeof one === 'string') ? text : undefined;
  } catch {
    return undefined;
  }
}

/** The path of an account. */
export function path(text: string): string | undefined {
  return /^[\x21-\x7e]{1,255}$/.test(text) ? text : undefined;
}

const MONTH = new RegExp(MONTH_PATTERN);

/** A calendar month, `2026-10`. */
export function month(text: string): string | undefined {
  return MONTH.test(text) ? text : undefined;
}
