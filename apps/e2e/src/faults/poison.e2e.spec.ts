import { it } from 'vitest';
import { poison } from './poison.js';

it(poison.summary, () => poison.run({ short: true, say: (line) => console.log(line) }));
