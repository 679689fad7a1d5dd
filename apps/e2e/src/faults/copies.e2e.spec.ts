import { it } from 'vitest';
import { copies } from './copies.js';

/** Under a minute where nothing else runs; what it waits for is deaths and starts, which on a busy machine take longer. */
const TIMEOUT_MS = 600_000;

it(copies.summary, () => copies.run({ short: true, say: (line) => console.log(line) }), TIMEOUT_MS);
