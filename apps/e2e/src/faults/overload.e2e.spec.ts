import { it } from 'vitest';
import { overload } from './overload.js';

it(overload.summary, () => overload.run({ short: true, say: (line) => console.log(line) }), 300_000);
