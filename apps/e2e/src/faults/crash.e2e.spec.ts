import { it } from 'vitest';
import { crash } from './crash.js';

it(crash.summary, () => crash.run({ short: true, say: (line) => console.log(line) }));
