import { describe, expect, it } from 'vitest';
import { StatementNames, shapeOf } from './statement-text.js';

describe('the shape of a statement', () => {
  it.each([
    ["select 1 where a = 'x''y'", 'select $1 where a = $2'],
    ["select extract(epoch from now()), interval '3 seconds'", 'select extract($1 from now()), interval $2'],
    [
      'select a -- why\nfrom t\n  where b is not null and c in (1, 2, 3)',
      'select a from t where b is not null and c in ($1 /*, ... */)',
    ],
    ['select x from t1 where a2 = -5 limit 10', 'select x from t1 where a2 = $1 limit $2'],
    ['insert into t (a, b) values ($1, true)', 'insert into t (a,b) values ($1, $2)'],
  ])('%s is that of %s', (ours, servers) => {
    expect(shapeOf(ours)).toBe(shapeOf(servers));
  });

  it('tells apart what differs in more than constants', () => {
    expect(shapeOf('select a from t')).not.toBe(shapeOf('select b from t'));
    expect(shapeOf('select a from t1')).not.toBe(shapeOf('select a from t2'));
  });

  it('leads to the name and the text that can be explained', () => {
    const names = new StatementNames(new Map([['spec.one', "select * from t where at > now() - interval '1 day'"]]));
    expect(names.find('select * from t where at > now() - interval $1')?.name).toBe('spec.one');
    expect(names.find('select * from other')).toBeUndefined();
  });
});
