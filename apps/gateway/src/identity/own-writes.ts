import { createHmac } from 'node:crypto';
import { newId } from '@payflow/contracts';
import { OutcomeUnknown, RunAgain, type Database, type Transaction } from '@payflow/database';
import { Problem, unavailable } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { KeyedWrite, Reply } from '../acceptance/acceptable.js';
import { findRecords, idempotencyKeyOf, takeKeys, type IdempotencyRecord } from '../database/acceptance.repository.js';
import { addAuditEntries } from '../database/audit.repository.js';
import { lockKey, saveReply } from '../database/own-write.repository.js';
import { originOf } from '../audit/origin.js';
import type { AuditEntry, AuditOrigin } from '../domain/audit.js';
import { versionOf } from '../http/edge/api-version.js';
import { sendAnswer } from '../http/answers/answer.js';
import { callerOf } from '../http/edge/authentication.js';
import type { Caller } from '../http/edge/caller.js';
import type { GatewayCaches } from '../cache/gateway-caches.js';
import { bodyOf } from '../http/edge/edge.js';
import { idempotencyKeyOf as keyHeaderOf } from '../http/edge/headers.js';
import { refuseParameters } from '../http/lists/list-query.js';
import type { JsonObject } from '../http/edge/strict-json.js';

/** What an own write is answered with. */
export interface OwnReply {
  readonly status: 200 | 201 | 204;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** What the answer does not tell of it, for the audit log. */
  readonly audited?: { readonly resource?: string; readonly after?: object; readonly isOfUser?: boolean };
  /** What it was before, for the audit log; absent where there was nothing. */
  readonly before?: object;
  /** What a copy of the request is answered with instead: the body without what may be seen only once. */
  readonly kept?: object;
  /** Tags of what the caches know otherwise by then. All processes forget it before anybody is told that it is done. */
  readonly forgets?: readonly string[];
  /**
   * What others are told then. It never rejects, and after a crash or a lost COMMIT it was not done: nothing may depend on it for
   * ever.
   */
  readonly afterCommit?: () => void;
}

/** What is done inside the transaction that takes the key. A problem that it throws leaves nothing, the key included. */
export type OwnWork = (tx: Transaction) => Promise<OwnReply>;

/** Whether another copy of the request has been answered since this one was let in. */
export type IsDone = () => Promise<boolean>;

/**
 * Reads the request, and does what must not hold a transaction open. It is not asked where the key has an answer already; what it
 * refuses is answered as another copy was where there is one by then, so what it finds may have been made by that.
 */
export type OwnRequest = (body: JsonObject, caller: Caller, isDone: IsDone) => OwnWork | Promise<OwnWork>;

/** What is known of an own write beside its work. */
export interface OwnAbout {
  /** What it is about where only the credential says so; of somebody else it is another request. */
  readonly whose?: (caller: Caller) => string | undefined;
  /** Whose key it takes: the organisation's, which is there when its test data is not any more, but where it goes with that data. */
  readonly tenant?: (caller: Caller) => string;
  /**
   * As {@link OwnReply.forgets}, looked up when it has been done before: whoever did it may have lost its COMMIT, or its life, before
   * anybody was told, and an answer says that it holds everywhere.
   */
  readonly forgets?: (caller: Caller) => readonly string[] | Promise<readonly string[]>;
}

interface Act {
  readonly write: KeyedWrite;
  readonly work: OwnWork;
  readonly audit: (done: OwnReply) => AuditEntry;
}

/** What a transaction has done, until it is known whether it stands. */
interface Attempt {
  done?: {
    readonly answer: Reply;
    readonly forgets: readonly string[];
    readonly afterCommit: (() => void) | undefined;
  };
}

const RETRY_AFTER_S = '1';
const JSON_CONTENT_TYPE = 'application/json; charset=utf-8';

/**
 * The writes that end at the gateway: keys, users, sessions, the test clock. Their effect, their key and their answer commit
 * together. A copy is answered as the first was; while the first is at work it is told to come back.
 *
 * What has ended must let nobody in once that is said. A lost COMMIT may stand, or be about to: the caches forget at once, whatever
 * becomes of it, and once more when the key has told. And each copy has them forget again, for nobody knows what the first came to.
 */
export class OwnWrites {
  /** `secret`: bodies hold passwords, and a fast hash of one that lies beside it in a table would be as good as the password. */
  constructor(
    private readonly db: Database,
    private readonly caches: GatewayCaches,
    private readonly secret: string,
  ) {}

  /** Answers the request. */
  async once(request: FastifyRequest, reply: FastifyReply, read: OwnRequest, about: OwnAbout = {}): Promise<void> {
    const { caller, json, write } = this.#receive(request, about);
    const again = async (standing: Reply): Promise<void> => {
      await this.caches.all.forget((await about.forgets?.(caller)) ?? []);
      send(reply, standing, true);
    };
    const standing = await this.#standing(write);
    if (standing) return again(standing);
    const work = await this.#read(
      () => read(json, caller, async () => (await this.#copied(write)) !== undefined),
      write,
    );
    if ('status' in work) return again(work);
    const origin = originOf(request, caller);
    const attempt: Attempt = {};
    const copied = await this.#commit({ write, work, audit: (done) => entryOf(origin, request, done) }, attempt);
    if (copied) return again(copied);
    if (!attempt.done) throw unavailable();
    attempt.done.afterCommit?.();
    send(reply, attempt.done.answer, false);
  }

  /** The work, or what another copy was answered with while this one was read. */
  async #read(read: () => OwnWork | Promise<OwnWork>, write: KeyedWrite): Promise<OwnWork | Reply> {
    try {
      return await read();
    } catch (error) {
      const copied = await this.#copied(write);
      if (copied) return copied;
      throw error;
    }
  }

  #receive(request: FastifyRequest, { whose, tenant = ({ organisation }) => organisation }: OwnAbout) {
    const idempotencyKey = keyHeaderOf(request.headers['idempotency-key']);
    refuseParameters(request.url);
    const caller = callerOf(request);
    const { bytes, json } = bodyOf(request);
    const write: KeyedWrite = {
      tenant: tenant(caller),
      livemode: caller.livemode,
      idempotencyKey,
      fingerprint: this.#fingerprint(request, whose?.(caller) ?? '', bytes),
      apiVersion: versionOf(request),
      write: { kind: 'own', view: { id: newId('event'), createdAt: new Date().toISOString() } },
    };
    return { caller, json, write };
  }

  #fingerprint({ method, url }: FastifyRequest, whose: string, body: Buffer): Buffer {
    return createHmac('sha256', this.secret).update(`${method}\n${url}\n${whose}`, 'latin1').update(body).digest();
  }

  async #standing(write: KeyedWrite): Promise<Reply | undefined> {
    const record = (await findRecords(this.db, [write])).get(idempotencyKeyOf(write));
    return record && replyOf(write, record);
  }

  /** As {@link #standing}, of a copy that was refused: where nothing stands for it, nothing else is said but why it was. */
  async #copied(write: KeyedWrite): Promise<Reply | undefined> {
    return this.#standing(write).catch(() => undefined);
  }

  /** Returns what another copy was answered with, where there was one; what this one did is in the attempt. */
  async #commit(act: Act, attempt: Attempt): Promise<Reply | undefined> {
    try {
      return await this.#try(act, attempt);
    } catch (error) {
      // Whether it committed is told by the key: taking it again waits for the lost transaction, a select would not.
      if (error instanceof OutcomeUnknown) return this.#try(act, attempt, { ...attempt });
      throw error;
    }
  }

  /** `lost`: what an attempt before this one did, and perhaps committed. */
  async #try({ write, work, audit }: Act, attempt: Attempt, lost?: Attempt): Promise<Reply | undefined> {
    try {
      return await this.db.transaction(async (tx) => {
        delete attempt.done;
        // Who has lost his COMMIT waits for it; a copy waits for nobody.
        if (!lost && !(await lockKey(tx, write))) throw inUse();
        if ((await takeKeys(tx, [write])).size === 0) {
          const record = await recordOf(tx, write);
          if (record.resourceId !== write.write.view.id) return replyOf(write, record);
          // A secret is seen once: what was committed is answered from here, and not from what is kept.
          // What was to be told afterwards was made of answers that may have been lost with it: the outbox tells.
          if (lost?.done) attempt.done = { ...lost.done, afterCommit: undefined };
          return undefined;
        }
        const reply = await work(tx);
        // Whatever ends here is written down: no own write can forget it.
        addAuditEntries(tx, [audit(reply)]);
        const { forgets = [], afterCommit } = reply;
        attempt.done = { answer: rendered(reply, reply.body), forgets, afterCommit };
        saveReply(tx, write, rendered(reply, reply.kept ?? reply.body));
        return undefined;
      });
    } finally {
      await this.caches.all.forget(attempt.done?.forgets ?? []);
    }
  }
}

/** What it is about names itself in the answer, or is named by the path. */
function entryOf(
  origin: AuditOrigin,
  { params }: FastifyRequest,
  { body, kept, before, audited }: OwnReply,
): AuditEntry {
  const after = audited?.after ?? kept ?? body ?? null;
  const { id = (params as { readonly id?: string } | undefined)?.id } = (after ?? {}) as { readonly id?: string };
  return { origin, resource: audited?.resource ?? id ?? null, isOfUser: audited?.isOfUser, before, after };
}

async function recordOf(tx: Transaction, write: KeyedWrite): Promise<IdempotencyRecord> {
  const record = (await findRecords(tx, [write])).get(idempotencyKeyOf(write));
  // Taken when the insert looked and gone when the select did: pruned this very moment.
  if (!record) throw new RunAgain('an idempotency record vanished');
  return record;
}

/** What the key stands for, where it stands for this request. One without an answer is a write of another kind, and so another request. */
function replyOf(write: KeyedWrite, { fingerprint, reply }: IdempotencyRecord): Reply {
  if (!fingerprint.equals(write.fingerprint)) throw new Problem('idempotency_key_reused');
  if (!reply) throw inUse();
  return reply;
}

function inUse(): Problem {
  return new Problem('key_in_use', { headers: { 'retry-after': RETRY_AFTER_S } });
}

function rendered({ status, headers = {} }: OwnReply, body: object | undefined): Reply {
  return body === undefined
    ? { status, headers, body: '' }
    : { status, headers: { 'content-type': JSON_CONTENT_TYPE, ...headers }, body: JSON.stringify(body) };
}

function send(reply: FastifyReply, answer: Reply, replayed: boolean): void {
  sendAnswer(reply, { kind: 'final', reply: answer, replayed }, () => ({ location: '', body: '' }));
}
