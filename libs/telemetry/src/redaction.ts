const SECRET = '[redacted]';

/** Values that are secret because of the key they stand under, in a line of JSON. */
const SECRET_MEMBERS =
  /("(?:authorization|proxy-authorization|cookie|set-cookie|(?:current_)?password|passwd|(?:access|refresh|invitation)_token|secret|token|api_?key|x-api-key|cvv|cvc|pan|card_?number)"\s*:\s*)"(?:[^"\\]|\\.)*"/gi;
const API_KEYS = /\b((?:sk|whsec)_(?:(?:test|live)_)?)[A-Za-z0-9+/=_-]{6,}/g;
const SESSION_TOKENS = /\b(at|rt|inv)_[A-Za-z0-9_-]{43}/g;
const CREDENTIALS = /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}/g;
const URL_PASSWORDS = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@"]*):[^\s@"]+@/gi;
/** 13 to 19 digits, perhaps grouped by blanks or dashes, that begin as card numbers do and are not part of a longer token. */
const CARD_LIKE = /(?<![0-9A-Za-z_.-])[2-6](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z_-])/g;

/**
 * C1 controls, zero-width, direction-changing and line-separating characters: they are kept in data, but in a terminal
 * they can make a log line read as another one. (JSON itself escapes the C0 controls.)
 */
const DECEPTIVE = /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** Takes secrets and card numbers out of one line of JSON and escapes characters that deceive the eye. The line stays valid JSON. */
export function redactLine(line: string): string {
  return line
    .replace(SECRET_MEMBERS, `$1"${SECRET}"`)
    .replace(CREDENTIALS, `$1 ${SECRET}`)
    .replace(API_KEYS, `$1${SECRET}`)
    .replace(SESSION_TOKENS, `$1_${SECRET}`)
    .replace(URL_PASSWORDS, `$1:${SECRET}@`)
    .replace(CARD_LIKE, (digits) => (passesLuhn(digits) ? SECRET : digits))
    .replace(DECEPTIVE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
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
