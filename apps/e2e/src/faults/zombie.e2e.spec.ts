import { it } from 'vitest';
import { zombie } from './zombie.js';

it(zombie.summary, () => zombie.run({ short: true, say: (line) => console.log(line) }));
