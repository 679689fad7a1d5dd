import { it } from 'vitest';
import { setBack } from './set-back.js';

it(setBack.summary, () => setBack.run({ short: true, say: (line) => console.log(line) }));
