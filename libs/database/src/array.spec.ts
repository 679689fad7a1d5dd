import { describe, expect, it } from 'vitest';
import { arrayLiteral, joinJson } from './array.js';

describe('arrayLiteral', () => {
  it.each<[unknown[], string]>([
    [[], '{}'],
    [['0190163d-8694-739b-aea5-966c26f8ad90', 'USD'], '{0190163d-8694-739b-aea5-966c26f8ad90,USD}'],
    [[1, 2n, -3, true, false], '{1,2,-3,true,false}'],
    [[null, undefined, 'null', 'NULL', 'nulls'], '{NULL,NULL,"null","NULL",nulls}'],
    [['', ' ', 'a b', 'a,b', '{}', 'é'], '{""," ","a b","a,b","{}","é"}'],
    [['say "hi"', 'back\\slash'], '{"say \\"hi\\"","back\\\\slash"}'],
    [[new Date('2026-11-21T12:00:00.000Z')], '{"2026-11-21T12:00:00.000Z"}'],
    [[Buffer.from('ff00', 'hex')], '{"\\\\xff00"}'],
    [[{ a: '"' }], '{"{\\"a\\":\\"\\\\\\"\\"}"}'],
  ])('writes case %#', (values, literal) => expect(arrayLiteral(values)).toBe(literal));
});

describe('joinJson', () => {
  it('separates by a character that JSON cannot contain', () => {
    expect(joinJson([JSON.stringify('\u001e'), '2'])).toBe('"\\u001e"\u001e2');
  });
});
