import { METRICS } from '@payflow/contracts';
import { counter, gauge, histogram, logger, OncePerInterval } from '@payflow/telemetry';
import { TRAFFIC_CLASSES, type TrafficClass } from '../http/edge/traffic.js';
import type { Change } from './concurrency.js';
import type { Gate, ShedReason } from './gate.js';
import type { Lateness } from './loop-delay.js';

const log = logger('load');
const MS_PER_S = 1_000;
const TOLD_INTERVAL_MS = 10_000;
const seldom = new OncePerInterval(TOLD_INTERVAL_MS);

const shed = counter(METRICS.admissionShed, 'Requests sent away before anything was done for them.', [
  'class',
  'reason',
] as const);
const waited = histogram(METRICS.admissionWait, 'How long requests waited that had to wait and were then worked on.', [
  'class',
] as const);
const changes = counter(METRICS.admissionLimitChanges, 'Changes of how many requests may be at work at one time.', [
  'reason',
] as const);

export function countShed(traffic: TrafficClass, reason: ShedReason): void {
  shed.inc({ class: traffic, reason });
  seldom.run((suppressed) =>
    log.warn({ class: traffic, reason, suppressed }, 'more is asked for than can be done; requests are sent away'),
  );
}

export function observeWait(traffic: TrafficClass, waited_ms: number): void {
  waited.observe({ class: traffic }, waited_ms / MS_PER_S);
}

export function countChange({ from, to, reason }: Change): void {
  changes.inc({ reason });
  log.debug({ from, to, reason }, 'another number of requests may be at work at one time');
}

/** What is read at the scrape. */
export function showLoad(gate: Gate, loop: Lateness, workers_max: number): void {
  gauge(
    METRICS.admissionWorkers,
    'Requests at work (`busy`), how many may be now (`limit`), and how many at most (`max`).',
    ['state'] as const,
    (metric) => {
      metric.set({ state: 'busy' }, gate.running);
      metric.set({ state: 'limit' }, gate.workers);
      metric.set({ state: 'max' }, workers_max);
    },
  );
  gauge(METRICS.admissionWaiting, 'Requests that wait to be worked on.', ['class'] as const, (metric) => {
    for (const traffic of TRAFFIC_CLASSES) metric.set({ class: traffic }, gate.waiting(traffic));
  });
  gauge(
    METRICS.admissionStanding,
    '1 while a queue stands: nobody gets through soon, and who is not served at once is sent away.',
    [],
    (metric) => metric.set(gate.isStanding ? 1 : 0),
  );
  gauge(METRICS.admissionOldestSeconds, 'How long the oldest of them has waited.', [], (metric) =>
    metric.set(gate.oldest_ms / MS_PER_S),
  );
  gauge(METRICS.loopDelaySeconds, 'How late the event loop is, smoothed over half a second.', [], (metric) =>
    metric.set(loop.now_ms / MS_PER_S),
  );
}
