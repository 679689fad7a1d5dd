import { expect, it } from 'vitest';
import { missesAmong, spread } from './figures.js';

it('knows the aims that were missed before from those that are missed now', () => {
  const figures = {
    'no aim': spread([9]),
    'kept (aim: at most 1.5)': spread([1.5]),
    'slow (aim: at most 1.5)': spread([1, 1.6, 1.7]),
    'slow as ever (aim: at most 1.5, missed)': spread([2]),
    'kept again (aim: at most 1.5, missed)': spread([1]),
    'low (aim: at least 0.4)': spread([0.3]),
    'low as ever (aim: at least 0.4, missed)': spread([0.3]),
  };
  expect(missesAmong(figures)).toEqual({
    missed: ['slow (aim: at most 1.5): 1.6', 'low (aim: at least 0.4): 0.3'],
    known: ['slow as ever (aim: at most 1.5, missed): 2', 'low as ever (aim: at least 0.4, missed): 0.3'],
  });
});
