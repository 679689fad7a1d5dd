import { idPattern } from '@payflow/contracts';
import { Problem } from '@payflow/service';
import { describe, expect, it } from 'vitest';
import { AMOUNT_SCHEMA, bodyReader, METADATA_SCHEMA } from './request-body.js';

const SCHEMA = {
  type: 'object',
  required: ['account', 'amount'],
  additionalProperties: false,
  properties: {
    account: { type: 'string', pattern: idPattern('account') },
    amount: AMOUNT_SCHEMA,
    mode: { enum: ['slow', 'quick'] },
    note: { type: ['string', 'null'], maxLength: 5 },
    seconds: { type: 'integer', minimum: 1, maximum: 9 },
    names: { type: 'array', minItems: 1, items: { type: 'string' } },
    code: { type: 'string', pattern: '^[A-Z]{2}$' },
    metadata: METADATA_SCHEMA,
    method: {
      type: 'object',
      properties: { type: { enum: ['card', 'internal'] }, token: { type: 'string' } },
      if: { required: ['type'], properties: { type: { const: 'card' } } },
      then: { required: ['token'] },
    },
    change: { type: 'object', anyOf: [{ required: ['this'] }, { required: ['that'] }] },
  },
} as const;
const read = bodyReader(SCHEMA);
const RIGHT = { account: 'acct_01m7yh3ma2e0sa48jfye2q7q36', amount: '1' };

/** What is said of a body, a line for each thing that is wrong. */
function saidOf(body: object): string[] {
  try {
    read(body as Parameters<typeof read>[0]);
    return [];
  } catch (error) {
    const { errors = [] } = (error as Problem).options;
    return errors.map(({ pointer, code, detail }) => `${pointer} ${code}: ${detail}`);
  }
}

describe('of a body of the wrong shape it is told', () => {
  it.each<[string, object, string[]]>([
    ['nothing where it is right', {}, []],
    ['what is no member', { amont: '1' }, ['/amont unknown: There is no such member here.']],
    ['which values there are', { mode: 'fast' }, ['/mode malformed: Must be one of slow, quick.']],
    ['which types', { note: 5 }, ['/note wrong_type: Must be a string or null.']],
    ['how long', { note: 'longer' }, ['/note too_long: Must have at most 5 characters.']],
    ['how many', { names: [] }, ['/names malformed: Must have at least 1 item.']],
    ['how much', { seconds: 10 }, ['/seconds malformed: Must be at most 9.']],
    [
      'what an id is',
      { account: 'pay_01m7yh3ma2e0sa48jfye2q7q36' },
      ['/account malformed: Must be an id, acct_ and 26 characters, as it was returned.'],
    ],
    [
      'what an amount is',
      { amount: '19.99' },
      ['/amount malformed: Must be minor units as a string of digits, such as "1999": no sign, point or leading zero.'],
    ],
    ['what else a text must look like', { code: 'de' }, ['/code malformed: Must match ^[A-Z]{2}$.']],
    [
      'what a name of metadata may be',
      { metadata: { [`a/${'x'.repeat(80)}`]: 'b' } },
      [`/metadata/a~1${'x'.repeat(61)} too_long: Its name must have at most 64 characters.`],
    ],
    [
      'what a condition demands, and not that it does',
      { method: { type: 'card' } },
      ['/method/token missing: Must be given.'],
    ],
    ['which ways there are, at once', { change: {} }, ['/change malformed: Must have one of this, that.']],
  ])('%s', (_what, more, said) => {
    expect(saidOf({ ...RIGHT, ...more })).toEqual(said);
  });

  it('of each member that lacks, and never a value', () => {
    expect(saidOf({ mode: 'sk_live_secret' })).toEqual([
      '/account missing: Must be given.',
      '/amount missing: Must be given.',
      '/mode malformed: Must be one of slow, quick.',
    ]);
  });

  it('of fifty things at most', () => {
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`x${at}`, 1]));
    expect(saidOf({ ...RIGHT, ...many })).toHaveLength(50);
  });
});
