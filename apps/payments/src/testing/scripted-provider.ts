import type { Capabilities, Connector, InquiryAnswer, ProviderAnswer, ProviderRequest } from '@payflow/connectors';
import type { JobRun } from '@payflow/jobs';
import type { Messaging } from '@payflow/messaging';
import type { TestDatabase } from '@payflow/testing';
import type { NewAttempt } from '../providers/attempt.js';
import { ProviderDesk } from '../providers/provider-desk.js';
import type { ResolveJob } from '../providers/provider-jobs.js';
import { Router } from '../routing/router.js';

const evidence = { said: 'so' };
export const yes: ProviderAnswer = { outcome: 'approved', reference: 'auth_1', evidence };
export const no: ProviderAnswer = {
  outcome: 'declined',
  code: 'card_expired',
  reference: 'auth_1',
  isOthersToTry: false,
  evidence,
};
export const noHere: ProviderAnswer = { ...no, code: 'issuer_unavailable', isOthersToTry: true };
export const unsent = { outcome: 'not_sent', code: 'connection_refused', evidence } satisfies ProviderAnswer;
export const full: ProviderAnswer = { ...unsent, code: 'queue_full' };
export const gone: ProviderAnswer = { ...unsent, code: 'caller_gone' };
export const unknownThere: ProviderAnswer = { ...no, code: 'reference_unknown', reference: null };
export const silence: ProviderAnswer = { outcome: 'unknown', code: 'timed_out', evidence };
export const act = {
  outcome: 'requires_action',
  url: 'https://bank.example/act',
  reference: 'auth_1',
  evidence,
} satisfies ProviderAnswer;
export const neverHeard: InquiryAnswer = { outcome: 'not_found', evidence };

const capabilities: Capabilities = {
  methods: ['card'],
  assets: null,
  countries: null,
  brands: null,
  actions: ['authorize', 'sale', 'capture', 'refund', 'void', 'increment'],
  multipleCaptures: true,
  overcapture_percent: 0,
  authorizationValid_ms: 1_000,
  keysKept_ms: null,
  amount: { min: null, max: null },
  isOutside: true,
};

/** A provider that says what it is told to say. */
export class Scripted implements Connector {
  capabilities = capabilities;
  readonly webhooks = null;
  readonly asked: ProviderRequest[] = [];
  inquiries = 0;
  answers: (ProviderAnswer | Error)[] = [];
  inquiryAnswers: InquiryAnswer[] = [];
  beforeAnswer: () => Promise<void> = async () => undefined;
  beforeInquiryAnswer: () => Promise<void> = async () => undefined;

  constructor(readonly name: string) {}

  async ask(request: ProviderRequest): Promise<ProviderAnswer> {
    this.asked.push(request);
    await this.beforeAnswer();
    const answer = this.answers.shift() ?? yes;
    if (answer instanceof Error) throw answer;
    return answer;
  }

  async inquire(): Promise<InquiryAnswer> {
    this.inquiries++;
    await this.beforeInquiryAnswer();
    return this.inquiryAnswers.shift() ?? silence;
  }

  async close(): Promise<void> {}
}

const schedule = { delays_ms: [5_000, 30_000, 300_000, 3_600_000, 21_600_000], until_ms: 604_800_000 };

/** Where the providers of these names are asked. */
export function deskWith(db: TestDatabase, messaging: Messaging, ...names: string[]) {
  const connectors = (names.length > 0 ? names : ['one']).map((name) => new Scripted(name));
  return {
    ...{ connectors, first: connectors[0] as Scripted, second: connectors[1] as Scripted },
    ...deskOver(db, messaging, connectors),
  };
}

/** Where providers are asked over these connectors. */
export function deskOver(db: TestDatabase, messaging: Messaging, connectors: readonly Connector[]) {
  const router = new Router(db.database, connectors);
  const desk = new ProviderDesk({
    db: db.database,
    outbox: messaging.outbox,
    connectors,
    choose: (attempt) => router.choose(attempt),
    schedule,
  });
  const runOf = <D extends object>(data: D, signal = new AbortController().signal): JobRun<D> => ({
    id: '1',
    data,
    attempt: 1,
    putOff: 0,
    signal,
    progress: () => undefined,
  });
  const dataOf = ({ tenant, livemode, id }: NewAttempt) => ({ tenant, livemode, attempt: id });
  return {
    desk,
    ask: (attempt: NewAttempt, signal?: AbortSignal) => desk.ask(runOf(dataOf(attempt), signal)),
    inquire: (attempt: NewAttempt) => desk.inquire(runOf(dataOf(attempt))),
    retell: (attempt: NewAttempt) => desk.retell(runOf(dataOf(attempt))),
    resolve: (attempt: NewAttempt, word: Partial<ResolveJob>) =>
      desk.resolve(
        runOf({
          ...dataOf(attempt),
          outcome: 'approved',
          code: null,
          reference: null,
          actor: 'ada',
          reason: 'called them',
          ...word,
        } as ResolveJob),
      ),
  };
}
