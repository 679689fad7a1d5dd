import { originForm } from './origin-form.js';

/** As many digits as a card number has, however they are divided: whatever it is, it belongs in no trace and no answer. */
const LONG_NUMBER = /\d(?:(?:[ ._/+-]|%2[0-9a-f]|%5f)?\d){12,}/gi;

/** The path of a URL, as it may be told: without its query, and without any number that is long enough to be a card's. */
export function toldPath(url: string): string {
  return (originForm(url).split('?', 1)[0] ?? '').replace(LONG_NUMBER, '{number}');
}
