import { it } from 'vitest';
import { outcomes } from './outcomes.js';

it(outcomes.summary, () => outcomes.run({ short: true, say: (line) => console.log(line) }));
