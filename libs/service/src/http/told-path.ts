import { withoutTokens } from '@payflow/telemetry';
import { originForm } from './origin-form.js';

/** As many digits as a card number has, however they are divided: whatever it is, it belongs in no trace and no answer. */
const LONG_NUMBER = /\d(?:(?:[ ._/+-]|%2[0-9a-f]|%5f)?\d){12,}/gi;

/** The beginning of a character outside ASCII: other scripts have digits too, and blanks. */
const OUTSIDE_ASCII = /%[c-f][0-9a-f]|[^\x20-\x7e]/i;

/** What is escaped may be a part of a key or a token. */
const ESCAPED = /%[0-9a-f]{2}/i;

/**
 * The path of a URL, as it may be told: without its query, without any number that is long enough to be a card's, and without what the
 * log takes for a key or a token.
 */
export function toldPath(url: string): string {
  const path = originForm(url).split('?', 1)[0] ?? '';
  const told = OUTSIDE_ASCII.test(path) || ESCAPED.test(path) ? path.split('/').map(toldSegment).join('/') : path;
  return withoutTokens(told, '$1{secret}').replace(LONG_NUMBER, '{number}');
}

function toldSegment(segment: string): string {
  const text = decoded(segment);
  if (withoutTokens(text, '') !== text) return '{secret}';
  if (!OUTSIDE_ASCII.test(segment)) return segment;
  const digits = text
    .normalize('NFKC')
    .replaceAll(/\p{Nd}/gu, '0')
    .replaceAll(/[^\w ._/+-]/g, '');
  return digits.search(LONG_NUMBER) < 0 ? segment : '{number}';
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
