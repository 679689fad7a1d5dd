import { fromUuid, type Group, type PaymentStatus } from '@payflow/contracts';
import {
  PAYMENTS_MAX,
  statesAgree,
  type AcknowledgedPage,
  type PaymentKey,
  type PaymentState,
} from '@payflow/invariants';
import { OncePerInterval, logger } from '@payflow/telemetry';
import type { HeldUp } from './held-up.js';
import type { InternalClient } from './internal-client.js';

const log = logger('acknowledged');

const LIMIT_MS = 4_000;
/** Pages per look, of a thousand each: at more payments than that a look falls behind, and catches up when there are fewer. */
const PAGES_MAX = 10;
/**
 * How far back a look begins: that of a process that has just begun, and that of one that has fallen behind, which then leaves
 * some out and says so. `payflow verify` looks at all.
 */
const LOOK_BACK_MS = 120_000;
/** A place further ahead than this is of a clock that was set back, and not of one that is a little behind the gateway's database. */
const SKEW_MS = 30_000;
/** How long a page is waited for whose payments could not all be asked for again. */
const WAIT_MS_MAX = 600_000;
const TOO_MANY = 'more payments are late than are asked for again';
const REPORT_INTERVAL_MS = 60_000;
const MICROSECONDS_PER_MS = 1_000;
const NIL = '00000000-0000-0000-0000-000000000000';

const ACKNOWLEDGED = '/internal/acknowledged_payments';
const STATES = '/internal/payment_states';

type Client = Pick<InternalClient, 'json'>;

/** Never left, and so never behind what payments says by something that is still to come. */
const FINAL: readonly string[] = ['succeeded', 'failed', 'canceled', 'expired'] satisfies readonly PaymentStatus[];

/** What a look found. */
export interface Compared {
  /** Payments that are shown and not kept, or kept otherwise, with both states. */
  readonly lost: readonly string[];
  /** Why others may only be late, each reason once: they are looked at again. */
  readonly not_comparable: readonly string[];
}

/**
 * I11 between gateway and payments, all the time: each payment is looked at once, half a minute after it was acknowledged.
 * The two are asked one after the other, so one that has moved in between looks wrong: only what is wrong at the next look too
 * counts, and for as long as it stays so. What was sent from one to the other and is held up on its way is not lost: it counts once
 * its way has been free at two looks.
 */
export class Acknowledged {
  private after: string;
  /** Whether the last look left anything that it could have looked at; one that broke off did. */
  private hasMore = false;
  /** The next page holds more that is late than there is room for: it is read again. */
  private isWaiting = false;
  private suspects: readonly Disagreement[] = [];
  private readonly seldom = new OncePerInterval(REPORT_INTERVAL_MS);
  private readonly seldomFull = new OncePerInterval(REPORT_INTERVAL_MS);

  constructor(
    private readonly gateway: Client,
    private readonly payments: Client,
  ) {
    this.after = placeAt(Date.now() - LOOK_BACK_MS);
  }

  async look(heldUp: HeldUp): Promise<Compared> {
    const freeBefore = new Set(this.suspects.filter(({ held }) => held === undefined).map(keyOf));
    const found = await this.disagreeing(await this.shownAgain(), heldUp);
    this.suspects = found;
    this.catchUp(Date.now());
    this.hasMore = true;
    for (let page = 0; page < PAGES_MAX; page++) {
      const { data, next, more } = await this.gateway.json<AcknowledgedPage>(
        `${ACKNOWLEDGED}?${new URLSearchParams({ after: this.after })}`,
        LIMIT_MS,
      );
      const others = await this.disagreeing(data, heldUp);
      const late = others.filter(({ held }) => held !== undefined);
      this.isWaiting = late.length > 0 && this.suspects.length + others.length > PAYMENTS_MAX;
      // Kept before the place moves on: nobody reads this page again, and the next one may not be there to be read.
      this.suspect(this.isWaiting ? others.filter((one) => !late.includes(one)) : others);
      if (this.isWaiting) break;
      // Whatever was acknowledged before that place has been committed by now.
      this.after = next ?? this.after;
      this.hasMore = more;
      if (!more) break;
    }
    return {
      lost: found.filter((one) => one.held === undefined && freeBefore.has(keyOf(one))).map(tell),
      not_comparable: [...new Set(found.flatMap(({ held }) => held ?? [])), ...(this.isWaiting ? [TOO_MANY] : [])],
    };
  }

  /** As many as can be asked for again, each once: a look that has begun anew finds those of before. */
  private suspect(found: readonly Disagreement[]): void {
    const each = [...new Map([...this.suspects, ...found].map((one) => [keyOf(one), one])).values()];
    const isLate = ({ held }: Disagreement) => held !== undefined;
    const suspects = [...each.filter((one) => !isLate(one)), ...each.filter(isLate)];
    this.suspects = suspects.slice(0, PAYMENTS_MAX);
    const left_out = suspects.length - PAYMENTS_MAX;
    if (left_out > 0)
      this.seldomFull.run((suppressed) =>
        log.warn({ left_out, suppressed }, 'more acknowledged payments seem lost than are looked at again'),
      );
  }

  /**
   * Each page is found by its time: one from long ago would read all that came since, and one of a time that is yet to come, by a
   * clock that was ahead, would find nothing until then.
   */
  private catchUp(now_ms: number): void {
    const behind_ms = now_ms - Number.parseInt(this.after, 10) / MICROSECONDS_PER_MS;
    const behind_ms_max = this.isWaiting ? WAIT_MS_MAX : 2 * LOOK_BACK_MS;
    if (!(behind_ms < -SKEW_MS || behind_ms > behind_ms_max)) return;
    this.isWaiting = false;
    if (behind_ms > 0 && this.hasMore)
      this.seldom.run(() =>
        log.warn({ behind_ms: Math.round(behind_ms) }, 'some acknowledged payments are not looked at'),
      );
    this.after = placeAt(now_ms - LOOK_BACK_MS);
  }

  private async shownAgain(): Promise<readonly PaymentState[]> {
    if (this.suspects.length === 0) return [];
    const payments = this.suspects.map(({ tenant, livemode, id }) => ({ tenant, livemode, id }));
    return (await this.gateway.json<{ data: PaymentState[] }>(ACKNOWLEDGED, LIMIT_MS, { payments })).data;
  }

  private async disagreeing(shown: readonly PaymentState[], heldUp: HeldUp): Promise<Disagreement[]> {
    if (shown.length === 0) return [];
    const payments = shown.map(({ tenant, livemode, id }) => ({ tenant, livemode, id }));
    const { data } = await this.payments.json<{ data: PaymentState[] }>(STATES, LIMIT_MS, { payments });
    const kept = new Map(data.map((state) => [keyOf(state), state.status]));
    return shown
      .map((state) => ({ key: state, shown: state.status, kept: kept.get(keyOf(state)) ?? null }))
      .filter(({ shown, kept }) => !statesAgree(shown, kept))
      .map(({ key: { tenant, livemode, id }, shown, kept }) => {
        const reader = readerOf(shown, kept);
        return { tenant, livemode, id, shown, kept, held: reader && heldUp(reader) };
      });
  }
}

interface Disagreement extends PaymentKey {
  readonly shown: string | null;
  readonly kept: string | null;
  /** Why the two may come to agree yet; undefined where nothing that is on its way makes them. */
  readonly held: string | undefined;
}

/** To which of the two what they differ by would come: the command to payments, or the event to the gateway. */
function readerOf(shown: string | null, kept: string | null): Group | undefined {
  if (shown === null || FINAL.includes(shown)) return undefined;
  if (kept !== null) return 'gateway.payments';
  return shown === 'pending' ? 'payments.commands' : undefined;
}

function tell({ id, shown, kept }: Disagreement): string {
  return `${fromUuid('payment', id)} (${shown ?? 'absent'} at the gateway, ${kept ?? 'absent'} at payments)`;
}

function placeAt(time_ms: number): string {
  return `${time_ms * MICROSECONDS_PER_MS}/${NIL}`;
}

function keyOf({ tenant, livemode, id }: PaymentKey): string {
  return `${tenant}/${livemode}/${id}`;
}
