import { setTimeout as delay } from 'node:timers/promises';
import { logger } from '@payflow/telemetry';
import type { Accepted, Acquirer } from './acquirer.js';
import type { Wish } from './domain/operation.js';
import type { Answer } from './journal.js';
import { Problem } from './problems.js';
import { PLAIN, SCENARIOS, scenarioOf, type Scenario } from './scenarios.js';
import { chaosOf, type Settings } from './settings.js';
import type { Webhooks } from './webhooks.js';
import { operationView, type Links } from './views.js';

/** What came in under one idempotency key, from this process's start. */
export interface Received {
  readonly type: string;
  /** Deliveries, the first and its copies. */
  received: number;
  /** Of these, such as had another body or path. */
  conflicts: number;
  inquiries: number;
}

/** How a delivery is to be answered; no answer where nothing was done. */
export interface Served {
  readonly answer: Answer | null;
  readonly manner: Scenario['answer'];
  readonly isCopy: boolean;
}

export interface DeskParts {
  readonly acquirer: Acquirer;
  readonly webhooks: Webhooks;
  readonly settings: Settings;
  readonly seed: string;
  readonly links: Links;
}

const log = logger('desk');

/** Twice as many as there can be operations: the others were refused. */
const KEYS_MAX = 400_000;
/** A webhook that comes before the answer does not keep the answer longer. */
const TOLD_WITHIN_MS = 5_000;

/** Takes wishes in: each key once, with its scenario. */
export class Desk {
  readonly received = new Map<string, Received>();
  private readonly underWay = new Map<string, { readonly fingerprint: string; readonly done: Promise<unknown> }>();
  private readonly closing = new AbortController();

  constructor(private readonly parts: DeskParts) {}

  /** Goes on with what an earlier process had accepted or not told. */
  resume(): void {
    // Each by itself: one that is not taken must not keep the others.
    for (const event of this.parts.acquirer.toTell) void this.parts.webhooks.tell([event]);
    for (const accepted of this.parts.acquirer.accepted.values()) this.doLater(accepted);
  }

  async serve(wish: Wish): Promise<Served> {
    const record = this.recordOf(wish);
    record.received += 1;
    // No pause between this look and what is done: two copies may come in one packet.
    while (this.isCopy(wish, record)) {
      await this.underWay.get(wish.idempotencyKey)?.done;
      const answer = this.answerTo(wish);
      if (answer) return { answer, manner: 'plain', isCopy: true };
    }

    const { acquirer, settings, seed } = this.parts;
    const token = wish.token ?? acquirer.subjectOf(wish)?.authorization.token ?? '';
    const scenario = settings.plain ? PLAIN : scenarioOf(wish, token, chaosOf(settings, seed));
    if (scenario.effect === 'late') return this.serveLate(wish, scenario);
    if (scenario.effect === 'not_by_the_first') {
      const isFirst = record.received === 1;
      return isFirst
        ? { answer: null, manner: scenario.answer, isCopy: false }
        : this.serveNow(wish, { ...scenario, answer: 'plain' });
    }
    return this.serveNow(wish, scenario);
  }

  /** What is known under a key, as an inquiry is told; null when nobody has heard of it. */
  inquire(idempotencyKey: string): object | null {
    const record = this.received.get(idempotencyKey);
    if (record) record.inquiries += 1;
    const { acquirer, links } = this.parts;
    const accepted = acquirer.accepted.get(idempotencyKey);
    if (accepted) return pendingView(accepted.wish);
    const operation = acquirer.keptUnder(idempotencyKey)?.operation;
    const authorization = operation && acquirer.authorizations.get(operation.authorization);
    if (!operation || !authorization) return null;
    const dispute = operation.dispute === null ? undefined : acquirer.disputes.get(operation.dispute);
    const view = operationView(operation, { authorization, dispute }, links);
    const lie = record?.inquiries === 1 ? scenarioNamed(operation.scenario).firstInquiry : 'truth';
    if (lie === 'not_found') return null;
    return lie === 'declined' ? denied(view) : view;
  }

  forget(): void {
    this.received.clear();
    this.underWay.clear();
  }

  close(): void {
    this.closing.abort();
  }

  private async serveNow(wish: Wish, scenario: Scenario): Promise<Served> {
    const { acquirer, webhooks } = this.parts;
    const { answer, events } = acquirer.perform(wish, scenario);
    const told = webhooks.tell(events, scenario.webhooks);
    if (scenario.webhooks === 'before_the_answer') await Promise.race([told, this.pause(TOLD_WITHIN_MS)]);
    return { answer, manner: scenario.answer, isCopy: false };
  }

  private async serveLate(wish: Wish, scenario: Scenario): Promise<Served> {
    const accepted = { wish, scenario: scenario.name, due: Date.now() + this.parts.settings.late_ms };
    this.parts.acquirer.accept(accepted);
    await this.doLater(accepted);
    return { answer: this.answerTo(wish), manner: 'plain', isCopy: false };
  }

  /** Does what was accepted when it is due. */
  private doLater({ wish, scenario, due }: Accepted): Promise<void> {
    const done = (async () => {
      await this.pause(due - Date.now());
      if (this.closing.signal.aborted || !this.parts.acquirer.accepted.has(wish.idempotencyKey)) return;
      await this.serveNow(wish, scenarioNamed(scenario));
    })()
      .catch((error: unknown) => log.error({ err: error }, 'what was accepted could not be done'))
      .finally(() => this.underWay.delete(wish.idempotencyKey));
    this.underWay.set(wish.idempotencyKey, { fingerprint: wish.fingerprint, done });
    return done;
  }

  /** Whether an earlier delivery of the same wish was served, or is being. Throws where that was of another wish. */
  private isCopy({ idempotencyKey, fingerprint }: Wish, record: Received): boolean {
    const earlier = this.parts.acquirer.keptUnder(idempotencyKey) ?? this.underWay.get(idempotencyKey);
    if (!earlier) return false;
    if (earlier.fingerprint === fingerprint) return true;
    record.conflicts += 1;
    throw new Problem('idempotency_key_reused');
  }

  private answerTo({ idempotencyKey }: Wish): Answer | null {
    return this.parts.acquirer.keptUnder(idempotencyKey)?.answer ?? null;
  }

  private recordOf({ idempotencyKey, type }: Wish): Received {
    const known = this.received.get(idempotencyKey);
    if (known) return known;
    if (this.received.size >= KEYS_MAX) throw new Problem('books_full');
    const record = { type, received: 0, conflicts: 0, inquiries: 0 };
    this.received.set(idempotencyKey, record);
    return record;
  }

  private async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.closing.signal, ref: false }).catch(() => undefined);
  }
}

function scenarioNamed(name: string): Scenario {
  return SCENARIOS.find((scenario) => scenario.name === name) ?? PLAIN;
}

function pendingView({ type, idempotencyKey, merchantReference }: Wish) {
  return {
    id: null,
    object: 'operation',
    type,
    status: 'pending',
    decline_code: null,
    merchant_reference: merchantReference,
    idempotency_key: idempotencyKey,
    authorization: null,
  };
}

function denied(view: ReturnType<typeof operationView>) {
  const no = { status: 'declined', decline_code: 'card_declined' };
  const { authorization } = view;
  const nothing = { ...authorization.authorized, value: '0' };
  return { ...view, ...no, authorization: { ...authorization, ...no, authorized: nothing, captured: nothing } };
}
