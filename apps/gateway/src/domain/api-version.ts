/**
 * The versions of the API, newest first, by the days on which they began. What breaks a client begins one, with an entry of its day in the
 * changelog. None is ever taken out: a key may be pinned to it.
 */
export const API_VERSIONS = ['2026-11-20'] as const;
export type ApiVersion = (typeof API_VERSIONS)[number];
/** The newest: that of whoever has no key, and what a new key is pinned to. */
export const API_VERSION: ApiVersion = API_VERSIONS[0];

export function isApiVersion(text: string): text is ApiVersion {
  return (API_VERSIONS as readonly string[]).includes(text);
}
