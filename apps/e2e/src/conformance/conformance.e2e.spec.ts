import { it } from 'vitest';
import { conformance } from './conformance.js';

it(conformance.summary, () => conformance.run({ short: true, say: () => undefined }), 240_000);
