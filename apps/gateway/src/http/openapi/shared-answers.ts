import assert from 'node:assert';
import { STATUS_CODES } from 'node:http';
import type { ProblemCode } from '@payflow/contracts';
import { ofAnyOperation } from './answers.js';

/** What so many operations answer alike stands once in the document. Fewer would be more names than they save. */
const SHARED_FROM = 3;
/** Codes that come together have one word in the name. */
const WORDS: Readonly<Partial<Record<ProblemCode, string>>> = {
  cursor_invalid: 'invalid_cursor',
  cursor_mismatch: 'invalid_cursor',
  idempotency_key_malformed: 'invalid_idempotency_key',
  idempotency_key_missing: 'invalid_idempotency_key',
  invalid_json: 'invalid_body',
  invalid_request: 'invalid_body',
};

/** Answers by status, of one operation. */
type Answers = Readonly<Record<string, object>>;
interface Answer {
  readonly content?: Readonly<
    Record<string, { readonly schema: { readonly $ref?: string }; readonly examples?: object }>
  >;
}

/** The answers that operations have in common, each under a name that says which it is. */
export class SharedAnswers {
  readonly #names = new Map<string, string>();
  /** For `components/responses`. */
  readonly all: Answers;

  constructor(operations: readonly Answers[]) {
    const answers = operations.flatMap((each) => Object.entries(each));
    const alike = Map.groupBy(answers, ([status, answer]) => textOf(status, answer));
    const shared: Record<string, object> = {};
    for (const [text, [first, ...others]] of alike) {
      if (!first || 1 + others.length < SHARED_FROM) continue;
      const name = nameOf(...first);
      assert(!(name in shared), `two answers would be called ${name}: they need words of their own`);
      this.#names.set(text, name);
      shared[name] = first[1];
    }
    this.all = Object.fromEntries(Object.entries(shared).sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** What an operation answers, with references to what it has in common with others. */
  in(answers: Answers): Record<string, object> {
    return Object.fromEntries(
      Object.entries(answers).map(([status, answer]) => {
        const name = this.#names.get(textOf(status, answer));
        return [status, name === undefined ? answer : { $ref: `#/components/responses/${name}` }];
      }),
    );
  }
}

function textOf(status: string, answer: object): string {
  return `${status} ${JSON.stringify(answer)}`;
}

/** By what it shows, or by the codes that not every operation has; what all have, by its status. */
function nameOf(status: string, { content = {} }: Answer): string {
  const reason = STATUS_CODES[status] ?? status;
  const problem = content['application/problem+json'];
  if (!problem) return pascal(reason) + (content['application/json']?.schema.$ref?.split('/').at(-1) ?? '');
  const codes = Object.keys(problem.examples ?? {}) as ProblemCode[];
  const common = ofAnyOperation(Number(status));
  const own = codes.filter((code) => !common.includes(code)).map((code) => WORDS[code] ?? code);
  // Who needs no credential cannot be told what is wrong with it.
  const open = common.every((code) => codes.includes(code)) ? '' : 'Open';
  return open + (own.length === 0 ? pascal(reason) : [...new Set(own)].map(pascal).join('Or'));
}

function pascal(text: string): string {
  return text
    .split(/[ _-]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase())
    .join('');
}
