import { it } from 'vitest';
import { dependencies } from './dependencies.js';

it(dependencies.summary, () => dependencies.run({ short: true, say: (line) => console.log(line) }));
