import { it } from 'vitest';
import { cache } from './cache.js';

it(cache.summary, () => cache.run({ short: true, say: (line) => console.log(line) }));
