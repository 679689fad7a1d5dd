import { SERVICES, type InvariantName, type Service } from '@payflow/contracts';
import { restOf_ms, type CheckResult } from '@payflow/invariants';
import { tenths, type ReaderLag } from './lags.js';
import type { Picture, Readiness, ServicePicture } from './picture.js';

export interface ServiceHealth {
  readonly service: Service;
  /** `unknown`: not looked at lately; never shown as well. */
  readonly status: Readiness | 'unknown';
  readonly reasons: readonly string[];
  /** Age of the last look; null before the first. */
  readonly age_seconds: number | null;
}

export interface HealthPicture {
  /** `down`: payments cannot be carried out. `degraded`: they can, and something wants attention. */
  readonly status: 'ok' | 'degraded' | 'down';
  readonly reasons: readonly string[];
  readonly services: readonly ServiceHealth[];
}

/** Without these nobody is paid; the others only keep and watch. */
const PAY_PATH: readonly Service[] = ['gateway', 'payments', 'ledger'];
/** Five rounds without a look: the sampler itself does not get round. */
const STALE_S = 10;
const OUTBOX_AGE_S_MAX = 5;
const LAG_S_MAX = 30;
/** Services keep four: with two left, nobody has made one for a day, or for a month. Past the last, nothing can be written. */
const PARTITIONS_AHEAD_MIN = 3;
/** Checks come every half minute, seldom ones every two, and rest when they take long; past this and that rest nobody checks. */
const UNCHECKED_S_MAX = 300;
/** What monitoring itself compares between the services comes every few rounds, however long it takes, and never rests. */
const COMPARED: ReadonlySet<InvariantName> = new Set(['I11', 'I21']);
/** Figures are told every five rounds; a round that waits for what does not answer takes twice its time. */
const UNTOLD_S_MAX = 60;
const MS_PER_S = 1_000;

/** The state of the installation, with everything that speaks against it. */
export function healthOf(picture: Picture, lags: readonly ReaderLag[], now_ms: number): HealthPicture {
  const services = SERVICES.map((service) => serviceHealth(service, picture.services.get(service), now_ms));
  const broken = services.filter(({ status }) => status !== 'ready');
  const reasons = [
    ...broken.map(({ service, status, reasons }) => [`${service} is ${status}`, ...reasons].join(': ')),
    ...brokerReasons(picture, now_ms),
    ...SERVICES.flatMap((service) => untoldReasons(service, picture.services.get(service), now_ms)),
    ...SERVICES.flatMap((service) => figureReasons(service, picture.services.get(service), now_ms)),
    ...SERVICES.flatMap((service) => setAsideReasons(picture.services.get(service))),
    ...lags.flatMap(lagReasons),
  ];
  const down = broken.some(({ service, status }) => PAY_PATH.includes(service) && status !== 'degraded');
  return { status: down ? 'down' : reasons.length > 0 ? 'degraded' : 'ok', reasons, services };
}

function serviceHealth(service: Service, picture: ServicePicture | undefined, now_ms: number): ServiceHealth {
  const look = picture?.readiness;
  if (!look) return { service, status: 'unknown', reasons: ['not looked at yet'], age_seconds: null };
  const age_seconds = tenths((now_ms - look.at_ms) / MS_PER_S);
  if (age_seconds > STALE_S)
    return { service, status: 'unknown', reasons: [`last looked at ${age_seconds} s ago`], age_seconds };
  return { service, status: look.value.status, reasons: look.value.reasons, age_seconds };
}

function brokerReasons({ broker }: Picture, now_ms: number): string[] {
  if (!broker) return ['the broker was not looked at yet'];
  if (!broker.value.reachable) return [`the broker cannot be reached: ${broker.value.reason ?? 'unknown'}`];
  return now_ms - broker.at_ms > STALE_S * MS_PER_S ? ['the broker was not looked at lately'] : [];
}

/** Of a service that answers, and does not tell how it is: an old figure stays what it was, and says nothing of now. */
function untoldReasons(service: Service, picture: ServicePicture | undefined, now_ms: number): string[] {
  const since_ms = picture?.answeringSince_ms;
  // One that is down, or was not looked at, is named for that.
  if (!picture || since_ms === undefined || now_ms - (picture.readiness?.at_ms ?? 0) > STALE_S * MS_PER_S) return [];
  const figures = {
    invariants: picture.invariants,
    'unpublished messages': picture.outboxAge_s,
    partitions: picture.partitionsAhead,
    'set-aside messages': picture.setAside,
  };
  return Object.entries(figures).flatMap(([what, look]) => {
    const untold_s = (now_ms - Math.max(since_ms, look?.at_ms ?? 0)) / MS_PER_S;
    return untold_s > UNTOLD_S_MAX ? [`${service} has not told of its ${what} for ${Math.round(untold_s)} s`] : [];
  });
}

function figureReasons(service: Service, picture: ServicePicture | undefined, now_ms: number): string[] {
  const age = picture?.outboxAge_s?.value ?? 0;
  const outbox = age > OUTBOX_AGE_S_MAX ? [`${service} has unpublished messages ${tenths(age)} s old`] : [];
  const results = picture?.invariants?.value ?? [];
  const checks = results.flatMap((result) => [
    ...checkReasons(service, result, results.length, now_ms),
    ...(result.not_comparable ?? []).map((reason) => `${result.invariant} is compared in part: ${reason}`),
  ]);
  const partitions = [...(picture?.partitionsAhead?.value ?? [])].flatMap(([table, ahead]) =>
    ahead < PARTITIONS_AHEAD_MIN ? [partitionReason(service, table, ahead)] : [],
  );
  return [...outbox, ...partitions, ...checks];
}

/** What is set aside, or waits for what does not come, keeps nobody else waiting, so nothing else would tell of it. */
function setAsideReasons(picture: ServicePicture | undefined): string[] {
  return (picture?.setAside?.value ?? []).flatMap(({ group, parked, deadLetters, overdue }) => [
    ...(parked > 0 ? [`${group} has ${parked} messages that wait behind a parked subject`] : []),
    ...(deadLetters > 0 ? [`${group} has set aside ${deadLetters} records that nobody has replayed`] : []),
    ...(overdue > 0 ? [`${group} has ${overdue} commands that wait for one that has not come`] : []),
  ]);
}

function checkReasons(service: Service, result: CheckResult, checks: number, now_ms: number): string[] {
  const { invariant, violations, sample, checked_at, duration_ms, error } = result;
  if (violations > 0)
    return [`${invariant} is broken in ${service}: ${violations} rows, such as ${sample[0] ?? 'none named'}`];
  // One that has failed ever since its service began has no time to grow old.
  if (checked_at === null) return error === null ? [] : [`${invariant} of ${service} could not be checked: ${error}`];
  const unchecked_s = (now_ms - Date.parse(checked_at)) / MS_PER_S;
  const rest_s = service === 'monitoring' && COMPARED.has(invariant) ? 0 : restOf_ms(duration_ms, checks) / MS_PER_S;
  return unchecked_s > UNCHECKED_S_MAX + rest_s
    ? [`${invariant} of ${service} was last checked ${Math.round(unchecked_s)} s ago`]
    : [];
}

function partitionReason(service: Service, table: string, ahead: number): string {
  if (ahead < 0) return `${service} has no partition of ${table} for the present`;
  return `${service} has ${ahead} partitions of ${table} ahead, and should have ${PARTITIONS_AHEAD_MIN} or more`;
}

function lagReasons({ group, partition, lag_messages, lag_seconds, stopped_reason }: ReaderLag): string[] {
  const name = `${group}/${partition}`;
  if (stopped_reason !== null) return [`${name} stands still: ${stopped_reason}`];
  return (lag_seconds ?? 0) > LAG_S_MAX ? [`${name} is ${lag_seconds} s behind, ${lag_messages} messages`] : [];
}
