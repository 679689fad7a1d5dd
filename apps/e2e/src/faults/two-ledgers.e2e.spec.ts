import { it } from 'vitest';
import { twoLedgers } from './two-ledgers.js';

it(twoLedgers.summary, () => twoLedgers.run({ short: true, say: (line) => console.log(line) }));
