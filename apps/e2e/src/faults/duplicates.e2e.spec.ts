import { it } from 'vitest';
import { duplicates } from './duplicates.js';

it(duplicates.summary, () => duplicates.run({ short: true, say: (line) => console.log(line) }));
