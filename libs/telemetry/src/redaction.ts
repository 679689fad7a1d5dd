const SECRET = '[redacted]';

/**
 * Values that are secret because of the key they stand under, in a line of JSON, and in JSON that stands in its strings: there each quote
 * has backslashes before it, and the value ends at the next with no more of them. What is behind more is within it.
 */
const SECRET_MEMBERS =
  /("(?:authorization|proxy-authorization|cookie|set-cookie|(?:current_)?password|passwd|(?:access|refresh|invitation)_token|secret|token|api_?key|x-api-key|cvv|cvc|pan|card_?number))(?:("\s*:\s*")(?:[^"\\]|\\.)*"|(((?:\\\\)*\\)"\s*:\s*\4")(?:[^"\\]|\\+[^"\\]|\4(?:\\\\)+")*(?:\4")?)/gi;
/** Where a word may begin in a line of JSON: behind an escaped control character, too, whose last sign looks like part of it. */
const START = String.raw`(?:\b|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4}))`;
const API_KEYS = new RegExp(String.raw`${START}((?:sk|whsec)_(?:(?:test|live)_)?)[A-Za-z0-9+/=_-]{6,}`, 'g');
const SESSION_TOKENS = new RegExp(String.raw`${START}((?:at|rt|inv)_)[A-Za-z0-9_-]{43}`, 'g');
const CREDENTIALS = new RegExp(String.raw`${START}(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}`, 'g');
/** In small letters they are words of any text: told by where they stand, or by a digit in what follows. */
const CREDENTIALS_ANY_CASE =
  /(authorization\W{1,8}(?:bearer|basic)|(?:bearer|basic)(?=\s+[a-z._~+/=-]*\d))\s+[a-z0-9._~+/=-]{6,}/gi;
/** What may be the rest of a URL, up to a blank or a quote. */
const URL_LIKE = /:\/\/[^\s"]*/g;
const URL_USER = /:\/\/[^/:@]*:/;
/** 13 to 19 digits, perhaps grouped by blanks or dashes, that begin as card numbers do and are not part of a longer token. */
const CARD_LIKE =
  /(?:(?<![0-9A-Za-z_.-])|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4}))[2-6](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z_-])/g;
/** Of a command that it does not know Redis repeats what it was given: of HELLO the password. */
const REPEATED_ARGUMENTS = /(with args beginning with: )(?:[^"\\]|\\[^n])+/g;

/**
 * C1 controls, zero-width, direction-changing and line-separating characters: they are kept in data, but in a terminal
 * they can make a log line read as another one. (JSON itself escapes the C0 controls.)
 */
const DECEPTIVE = /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** Takes our keys and tokens out of a text. What is put instead may begin with the kind of each, `$1`. */
export function withoutTokens(text: string, instead: string): string {
  return text.replace(API_KEYS, instead).replace(SESSION_TOKENS, instead);
}

/** Takes secrets and card numbers out of one line of JSON and escapes characters that deceive the eye. The line stays valid JSON. */
export function redactLine(line: string): string {
  const named = line
    .replace(SECRET_MEMBERS, `$1$2$3${SECRET}$4"`)
    .replace(CREDENTIALS, `$1 ${SECRET}`)
    .replace(CREDENTIALS_ANY_CASE, `$1 ${SECRET}`);
  return withoutTokens(named, `$1${SECRET}`)
    .replace(URL_LIKE, withoutPassword)
    .replace(REPEATED_ARGUMENTS, `$1${SECRET}`)
    .replace(CARD_LIKE, (digits) => (passesLuhn(digits) ? SECRET : digits))
    .replace(DECEPTIVE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A password may hold an @ as it is: it goes up to the last. */
function withoutPassword(url: string): string {
  const end = url.lastIndexOf('@');
  const user = end === -1 ? null : URL_USER.exec(url.slice(0, end));
  return user ? `${url.slice(0, user.index + user[0].length)}${SECRET}${url.slice(end)}` : url;
}

function passesLuhn(text: string): boolean {
  let sum = 0;
  let doubled = false;
  for (let at = text.length - 1; at >= 0; at--) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) continue;
    const value = doubled ? digit * 2 : digit;
    sum += value > 9 ? value - 9 : value;
    doubled = !doubled;
  }
  return sum % 10 === 0;
}
