import { brokers } from './brokers.js';
import { cache } from './cache.js';
import { copies } from './copies.js';
import { conformance } from '../conformance/conformance.js';
import { crash } from './crash.js';
import { dependencies } from './dependencies.js';
import { duplicates } from './duplicates.js';
import { outcomes } from './outcomes.js';
import { overload } from './overload.js';
import { poison } from './poison.js';
import { replicas } from './replicas.js';
import type { Scenario } from './scenario.js';
import { setBack } from './set-back.js';
import { storms } from './storms.js';
import { twoLedgers } from './two-ledgers.js';
import { zombie } from './zombie.js';

/** In the order `all` plays them. */
export const SCENARIOS: readonly Scenario[] = [
  crash,
  duplicates,
  zombie,
  dependencies,
  poison,
  twoLedgers,
  storms,
  replicas,
  brokers,
  cache,
  outcomes,
  setBack,
  overload,
  copies,
  conformance,
];
