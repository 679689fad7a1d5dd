import { originForm } from './origin-form.js';

/** As many digits as a card number has, however they are divided: whatever it is, it belongs in no trace and no answer. */
const LONG_NUMBER = /\d(?:(?:[ ._/+-]|%2[0-9a-f]|%5f)?\d){12,}/gi;

/** The beginning of a character outside ASCII: other scripts have digits too, and blanks. */
const OUTSIDE_ASCII = /%[c-f][0-9a-f]|[^\x20-\x7e]/i;

/** The path of a URL, as it may be told: without its query, and without any number that is long enough to be a card's. */
export function toldPath(url: string): string {
  const path = originForm(url).split('?', 1)[0] ?? '';
  const told = OUTSIDE_ASCII.test(path) ? path.split('/').map(toldSegment).join('/') : path;
  return told.replace(LONG_NUMBER, '{number}');
}

function toldSegment(segment: string): string {
  if (!OUTSIDE_ASCII.test(segment)) return segment;
  const digits = decoded(segment)
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
