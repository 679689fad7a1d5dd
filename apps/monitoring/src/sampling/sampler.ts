import {
  METRICS,
  SERVICES,
  SUBSCRIPTIONS,
  TOPICS,
  type Group,
  type InvariantName,
  type PARTITIONS,
  type Service,
  type Topic,
} from '@payflow/contracts';
import { compareTallies, tellMismatch, type CheckResults, type ReaderPosition } from '@payflow/invariants';
import type { Messaging } from '@payflow/messaging';
import { withinTime } from '@payflow/resilience';
import { OncePerInterval, logger } from '@payflow/telemetry';
import type { Acknowledged } from './acknowledged.js';
import { heldUpIn, type HeldUp } from './held-up.js';
import { readerLags } from './lags.js';
import { Lasting } from './lasting.js';
import { remember } from './lag.js';
import { metricSamples } from './metrics-text.js';
import { partitionKey, readerKey, type Picture, type ServicePicture, type SetAside } from './picture.js';
import type { Readable } from './self-reader.js';
import { reasonOf, type ReadinessAnswer } from './service-reader.js';

const log = logger('sampler');

/** Readiness, ends and positions every round; figures that change slowly or cost more, every so many. */
export const ROUND_MS = 2_000;
const FIGURES_ROUNDS = 5;
/** What is compared, between which services, and every how many rounds. */
const COMPARISONS = {
  I21: { rounds: 8, between: SERVICES },
  I11: { rounds: 4, between: ['gateway', 'payments'] },
} as const satisfies Partial<Record<InvariantName, { rounds: number; between: readonly Service[] }>>;
type Compared = keyof typeof COMPARISONS;
/** Longer between two looks: nobody looked meanwhile. */
const UNSEEN_MS = FIGURES_ROUNDS * ROUND_MS;
const BROKER_TIMEOUT_MS = 1_800;
/** A little more than others have to answer: monitoring asks its own database without going through the network. */
const SERVICE_TIMEOUT_MS = 2_000;
const MS_PER_S = 1_000;
const REPORT_INTERVAL_MS = 60_000;
const SAMPLE_MAX = 10;

export interface SamplerParts {
  readonly readers: readonly Readable[];
  readonly messaging: Pick<Messaging, 'admin'>;
  readonly results: CheckResults;
  readonly acknowledged: Pick<Acknowledged, 'look'>;
  readonly partitions: keyof typeof PARTITIONS;
}

/** Looks at all services and at the broker, again and again, and keeps what it saw in the picture. */
export class Sampler {
  private rounds = 0;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private closed = false;
  private askingBroker: Promise<void> | undefined;
  private readonly comparing = new Set<InvariantName>();
  /** The rounds in which the next comparisons begin. */
  private readonly due = new Map<InvariantName, number>();
  private readonly lasting = new Lasting();
  private readonly seldom = new OncePerInterval(REPORT_INTERVAL_MS);

  constructor(
    private readonly parts: SamplerParts,
    private readonly picture: Picture,
    private readonly afterRound: (now_ms: number) => Promise<void>,
  ) {}

  start(): void {
    const startedAt = performance.now();
    this.running = this.round().finally(() => {
      if (!this.closed)
        this.timer = setTimeout(() => this.start(), Math.max(0, ROUND_MS - (performance.now() - startedAt)));
    });
  }

  async stop(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.running;
  }

  /** One look at everything that is due. Never throws. */
  async round(): Promise<void> {
    const number = this.rounds++;
    try {
      // The ends first: a reader can then only seem nearer to them than it was, never behind records it has read.
      await this.lookAtBroker();
      await Promise.all(this.parts.readers.map((reader) => this.lookAtService(reader, number % FIGURES_ROUNDS === 0)));
      this.whenDue('I21', number, () => this.compare());
      this.whenDue('I11', number, () => this.compareAcknowledged());
      await this.afterRound(Date.now());
    } catch (error) {
      this.seldom.run((suppressed) => log.warn({ err: error, suppressed }, 'a look did not end well'));
    }
  }

  /**
   * The first comparison waits until those whom it needs answer: that an installation which has just been started cannot be compared
   * yet is nothing to be told of, and who is missing is named for that. From there on what fails is told.
   */
  private whenDue(invariant: Compared, number: number, compare: () => Promise<void>): void {
    const { rounds, between } = COMPARISONS[invariant];
    const due = this.due.get(invariant);
    if (due === undefined && !this.doAnswer(between)) return;
    if (number < (due ?? 0)) return;
    this.due.set(invariant, number + rounds);
    this.beside(invariant, compare);
  }

  private doAnswer(services: readonly Service[]): boolean {
    const asked = this.parts.readers.filter(({ service }) => services.includes(service));
    return asked.every(({ service }) => this.picture.service(service).answeringSince_ms !== undefined);
  }

  /**
   * Comparisons ask for much, of services that may be slow just then: if a round waited for them, all that it looks at would seem
   * unknown meanwhile. Never two of one kind at a time, and the end of the process waits for none.
   */
  private beside(invariant: InvariantName, compare: () => Promise<void>): void {
    if (this.comparing.has(invariant)) return;
    this.comparing.add(invariant);
    void compare()
      .catch((error: unknown) =>
        this.seldom.run((suppressed) =>
          log.warn({ err: error, invariant, suppressed }, 'a comparison did not end well'),
        ),
      )
      .finally(() => this.comparing.delete(invariant));
  }

  /** Waits a short while; an answer that comes later is taken then. */
  private async lookAtBroker(): Promise<void> {
    this.askingBroker ??= this.readEnds().finally(() => (this.askingBroker = undefined));
    const asking = this.askingBroker;
    const late = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), BROKER_TIMEOUT_MS).unref());
    const outcome = await Promise.race([asking.then(() => 'answered' as const), late]);
    if (outcome === 'late') this.picture.broker = { value: { reachable: false, reason: 'timeout' }, at_ms: Date.now() };
  }

  private async readEnds(): Promise<void> {
    try {
      const admin = await this.parts.messaging.admin();
      await Promise.all(
        (Object.keys(TOPICS) as Topic[]).map(async (topic) => {
          for (const { partition, low, high } of await admin.offsetsWhereLed(topic))
            this.onEnd(topic, partition, low, high);
        }),
      );
      this.picture.broker = { value: { reachable: true, reason: null }, at_ms: Date.now() };
    } catch (error) {
      this.picture.broker = { value: { reachable: false, reason: reasonOf(error) }, at_ms: Date.now() };
    }
  }

  private onEnd(topic: string, partition: number, low: number, high: number): void {
    const key = partitionKey(topic, partition);
    this.picture.beginnings.set(key, low);
    this.picture.ends.set(key, remember(this.picture.ends.get(key) ?? [], { at_ms: Date.now(), high }));
  }

  private async lookAtService(reader: Readable, figuresToo: boolean): Promise<void> {
    const service = this.picture.service(reader.service);
    const answer = await reader
      .readiness()
      .catch((error: unknown) => ({ status: 'down' as const, reasons: [reasonOf(error)] }));
    noteReadiness(service, answer, Date.now());
    if (answer.status === 'down') return;
    const told = () =>
      Promise.all([this.lookAtPositions(reader, figuresToo), figuresToo ? this.lookAtFigures(reader) : undefined]);
    await withinTime(`monitoring.${reader.service}`, SERVICE_TIMEOUT_MS, told).catch((error: unknown) =>
      this.seldom.run(() =>
        log.warn({ err: error, service: reader.service }, 'a service is ready, and did not tell all that it was asked'),
      ),
    );
  }

  private async lookAtPositions(reader: Readable, ratesToo: boolean): Promise<void> {
    const positions = await reader.positions();
    const at_ms = Date.now();
    for (const position of positions)
      this.picture.positions.set(readerKey(position.group, position.partition), { position, at_ms });
    this.picture.positionsKnown.add(reader.service);
    if (!ratesToo) return;
    const service = this.picture.service(reader.service);
    const read = { value: readBy(positions), at_ms };
    if (service.read) service.rates = ratesBetween(service.read, read);
    service.read = read;
  }

  /** Each for itself: what cannot be told hides nothing of the other. */
  private async lookAtFigures(reader: Readable): Promise<void> {
    const service = this.picture.service(reader.service);
    await Promise.all([this.lookAtInvariants(reader, service), this.lookAtMetrics(reader, service)]);
  }

  private async lookAtInvariants(reader: Readable, service: ServicePicture): Promise<void> {
    service.invariants = { value: await reader.invariants(), at_ms: Date.now() };
  }

  /** What is not among the metrics stays as it was, and grows old: nobody has said that it is 0. */
  private async lookAtMetrics(reader: Readable, service: ServicePicture): Promise<void> {
    const metrics = await reader.metrics();
    const at_ms = Date.now();
    const [age] = metricSamples(metrics, METRICS.outboxOldestSeconds);
    if (age) service.outboxAge_s = { value: age.value, at_ms };
    const ahead = metricSamples(metrics, METRICS.partitionsAhead);
    if (ahead.length > 0) {
      const value = new Map(ahead.map(({ labels, value }) => [labels['table'] ?? '', value]));
      service.partitionsAhead = { value, at_ms };
    }
    const setAside = setAsideOf(reader.service, metrics);
    if (setAside) service.setAside = { value: setAside, at_ms };
  }

  /** I21, and only from all services: with one missing, everything it sent or read would seem lost. */
  private async compare(): Promise<void> {
    const start = performance.now();
    try {
      const reports = await Promise.all(this.parts.readers.map((reader) => reader.tallies()));
      const { mismatches, not_comparable } = this.lasting.look(compareTallies(reports), this.heldUp(), Date.now());
      const sample = mismatches.slice(0, SAMPLE_MAX).map(tellMismatch);
      const duration_ms = Math.round(performance.now() - start);
      const violations = mismatches.length;
      this.parts.results.checked('I21', { violations, sample, duration_ms, not_comparable }, new Date());
      this.picture.compared_ms = Date.now();
    } catch (error) {
      this.parts.results.failed('I21', error);
    }
  }

  /** I11 between gateway and payments: no database of ours can see both. */
  private async compareAcknowledged(): Promise<void> {
    const start = performance.now();
    try {
      const { lost, not_comparable } = await this.parts.acknowledged.look(this.heldUp());
      const duration_ms = Math.round(performance.now() - start);
      const sample = lost.slice(0, SAMPLE_MAX);
      const violations = lost.length;
      this.parts.results.checked('I11', { violations, sample, duration_ms, not_comparable }, new Date());
    } catch (error) {
      this.parts.results.failed('I11', error);
    }
  }

  private heldUp(): HeldUp {
    const now_ms = Date.now();
    return heldUpIn(this.picture, readerLags(this.picture, this.parts.partitions, now_ms), now_ms);
  }
}

/** After a time in which it was down, or nobody looked, it has as long to tell the figures as at first. */
function noteReadiness(service: ServicePicture, value: ReadinessAnswer, at_ms: number): void {
  const { readiness: before, answeringSince_ms: since_ms } = service;
  const isUnbroken = since_ms !== undefined && before !== undefined && at_ms - before.at_ms <= UNSEEN_MS;
  service.readiness = { value, at_ms };
  service.answeringSince_ms = value.status === 'down' ? undefined : isUnbroken ? since_ms : at_ms;
}

/** Of all readers of the service, or undefined: one that could not be counted has no figure, and is not for that without anything. */
function setAsideOf(service: Service, metrics: string): SetAside[] | undefined {
  const counts = (metric: string) =>
    new Map(metricSamples(metrics, metric).map(({ labels, value }) => [labels['group'] ?? '', value]));
  const figures = [METRICS.consumerParked, METRICS.consumerDeadLetters, METRICS.consumerOverdue].map(counts);
  const groups = (Object.keys(SUBSCRIPTIONS) as Group[]).filter((group) => SUBSCRIPTIONS[group].service === service);
  if (!groups.every((group) => figures.every((figure) => figure.has(group)))) return undefined;
  return groups
    .map((group) => {
      const [parked = 0, deadLetters = 0, overdue = 0] = figures.map((figure) => figure.get(group));
      return { group, parked, deadLetters, overdue };
    })
    .filter((aside) => aside.parked > 0 || aside.deadLetters > 0 || aside.overdue > 0);
}

interface Counted {
  readonly value: ReadonlyMap<string, number>;
  readonly at_ms: number;
}

/** By group, from the places in the database: a counter would be one process's, of however many the service has. */
function readBy(positions: readonly ReaderPosition[]): Map<string, number> {
  const read = new Map<string, number>();
  for (const { group, next_offset } of positions) read.set(group, (read.get(group) ?? 0) + next_offset);
  return read;
}

/** Per second, by group; 0 of one that was sent back. */
export function ratesBetween(before: Counted, after: Counted): Map<string, number> {
  const seconds = Math.max(1, after.at_ms - before.at_ms) / MS_PER_S;
  return new Map(
    [...after.value].map(([group, count]) => {
      return [group, Math.max(0, count - (before.value.get(group) ?? 0)) / seconds];
    }),
  );
}
