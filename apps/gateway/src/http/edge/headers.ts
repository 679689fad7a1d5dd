import { Problem } from '@payflow/service';
import { API_VERSIONS, isApiVersion } from '../../domain/api-version.js';

/** RFC 9110 keeps doubled headers apart with a comma and a blank, which visible ASCII has not: a doubled key is malformed too. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;
/** `Prefer: wait`, seconds. */
const WAIT_DEFAULT_S = 2;
const WAIT_MAX_S = 10;

interface Wait {
  readonly wait_ms: number;
  /** What `Preference-Applied` says. */
  readonly applied: string | undefined;
}

/** As it is nearly always written: read once, for all requests. */
const USUAL_WAITS: ReadonlyMap<string, Wait> = new Map(
  Array.from({ length: WAIT_MAX_S + 1 }, (_, seconds) => [
    `wait=${seconds}`,
    { wait_ms: seconds * 1_000, applied: `wait=${seconds}` },
  ]),
);

type Header = string | readonly string[] | undefined;

/** The request's Idempotency-Key. Throws where it is missing or malformed. */
export function idempotencyKeyOf(header: Header): string {
  if (header === undefined) throw new Problem('idempotency_key_missing');
  if (typeof header !== 'string' || !IDEMPOTENCY_KEY.test(header)) throw new Problem('idempotency_key_malformed');
  return header;
}

/** How long a write may be waited for, and what to answer as applied; other preferences are ignored (RFC 7240). */
export function waitOf(header: Header): Wait {
  if (header === undefined) return { wait_ms: WAIT_DEFAULT_S * 1_000, applied: undefined };
  const usual = typeof header === 'string' ? USUAL_WAITS.get(header) : undefined;
  if (usual) return usual;
  const waits = [header]
    .flat()
    .join(',')
    .split(/[,;]/)
    .map((one) => one.trim())
    .filter((one) => /^wait(\s*=|$)/i.test(one));
  const [wait] = waits;
  if (wait === undefined) return { wait_ms: WAIT_DEFAULT_S * 1_000, applied: undefined };
  const seconds = Number(/^wait\s*=\s*"?([0-9]{1,4})"?$/i.exec(wait)?.[1] ?? NaN);
  if (waits.length > 1 || !(seconds <= WAIT_MAX_S)) {
    throw new Problem('invalid_header', {
      detail: `Prefer: wait must be a whole number of seconds from 0 to ${WAIT_MAX_S}, once.`,
    });
  }
  return { wait_ms: seconds * 1_000, applied: `wait=${seconds}` };
}

/** Throws where the request asks for a version of the API that there is not: unknown, of the future, or no date. */
export function checkVersion(header: Header): void {
  if (header !== undefined && !isApiVersion(String(header)))
    throw new Problem('invalid_header', {
      detail: `PayFlow-Version must be one of ${API_VERSIONS.join(', ')}, or absent.`,
    });
}

/** The weak ETag of a resource at a version. */
export function etagOf(version: number): string {
  return `W/"${version}"`;
}

/** What stands between the quotes of a weak ETag. */
export function opaqueOf(etag: string): string {
  return etag.slice('W/"'.length, -1);
}

/** True when the caller has this version already, or what this text stands for (If-None-Match, weak comparison as RFC 9110 §13.1.2 says). */
export function isUnchanged(header: Header, version: number | string): boolean {
  if (header === undefined) return false;
  const opaque = `"${version}"`;
  return [header]
    .flat()
    .join(',')
    .split(',')
    .some((tag) => {
      const trimmed = tag.trim();
      return trimmed === '*' || trimmed === opaque || trimmed === `W/${opaque}`;
    });
}

/**
 * Throws where a change demands a version that its command cannot carry: the owner could not compare it, and a condition that is
 * not looked at must not be accepted.
 */
export function refuseIfMatch(header: Header): void {
  if (header !== undefined)
    throw new Problem('invalid_header', { detail: 'If-Match is not supported here: send this request without it.' });
}

const ENTITY_TAG = /^(?:W\/)?"(\d{1,15})"$/;

/** The version that If-Match names, or null where any will do. It must be one of the tags that {@link etagOf} makes. */
export function ifVersionOf(header: Header): number | null {
  if (header === undefined || header === '*') return null;
  const version = typeof header === 'string' ? ENTITY_TAG.exec(header.trim())?.[1] : undefined;
  if (version === undefined)
    throw new Problem('invalid_header', { detail: 'If-Match must be one ETag as it was returned, or *.' });
  return Number(version);
}

/**
 * {@link ifVersionOf} of a change that takes the place of what is there: who has not seen that must say so by `*`. Throws
 * `precondition_required` without.
 */
export function requiredVersionOf(header: Header): number | null {
  if (header === undefined) throw new Problem('precondition_required');
  return ifVersionOf(header);
}
