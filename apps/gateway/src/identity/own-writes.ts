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
  /** What others are told then. It never rejects, and after a crash it was not done: nothing may depend on it for ever. */
  readonly afterCommit?: () => Promise<void>;
}

/** What is done inside the transaction that takes the key. A problem that it throws leaves nothing, the key included. */
export type OwnWork = (tx: Transaction) => Promise<OwnReply>;

/** Reads the request, and does what must not hold a transaction open. It is not asked where the key has an answer already. */
export type OwnRequest = (body: JsonObject, caller: Caller) => OwnWork | Promise<OwnWork>;

const RETRY_AFTER_S = '1';
const JSON_CONTENT_TYPE = 'application/json; charset=utf-8';

/**
 * The writes that end at the gateway: keys, users, sessions, the test clock. Their effect, their key and their answer commit
 * together. A copy is answered as the first was; while the first is at work it is told to come back.
 */
export class OwnWrites {
  /** `secret`: bodies hold passwords, and a fast hash of one that lies beside it in a table would be as good as the password. */
  constructor(
    private readonly db: Database,
    private readonly secret: string,
  ) {}

  /** Answers the request. `whose`: what it is about where only the credential says so; of somebody else it is another request. */
  async once(
    request: FastifyRequest,
    reply: FastifyReply,
    read: OwnRequest,
    whose: (caller: Caller) => string | undefined = () => undefined,
  ): Promise<void> {
    const { caller, json, write } = this.#receive(request, whose);
    const standing = await this.#standing(write);
    if (standing) return send(reply, standing, true);
    const work = await read(json, caller);
    const origin = originOf(request, caller);
    const { answer, isOwn } = await this.#commit(write, work, (done) => entryOf(origin, request, done));
    send(reply, answer, !isOwn);
  }

  #receive(request: FastifyRequest, whose: (caller: Caller) => string | undefined) {
    const idempotencyKey = keyHeaderOf(request.headers['idempotency-key']);
    refuseParameters(request.url);
    const caller = callerOf(request);
    const { bytes, json } = bodyOf(request);
    const write: KeyedWrite = {
      // Of the organisation, which is there when its test data is not any more.
      tenant: caller.organisation,
      livemode: caller.livemode,
      idempotencyKey,
      fingerprint: this.#fingerprint(request, whose(caller) ?? '', bytes),
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

  /** Whatever ends here is written down: no own write can forget it. */
  async #commit(
    write: KeyedWrite,
    work: OwnWork,
    audit: (done: OwnReply) => AuditEntry,
  ): Promise<{ readonly answer: Reply; readonly isOwn: boolean }> {
    let fresh: { readonly answer: Reply; readonly afterCommit: (() => Promise<void>) | undefined } | undefined;
    try {
      const replayed = await this.db.transaction(async (tx) => {
        fresh = undefined;
        if (!(await lockKey(tx, write))) throw inUse();
        if ((await takeKeys(tx, [write])).size === 0) return replyOf(write, await recordOf(tx, write));
        const reply = await work(tx);
        addAuditEntries(tx, [audit(reply)]);
        fresh = { answer: rendered(reply, reply.body), afterCommit: reply.afterCommit };
        saveReply(tx, write, rendered(reply, reply.kept ?? reply.body));
        return undefined;
      });
      if (replayed) return { answer: replayed, isOwn: false };
    } catch (error) {
      // A secret is seen once: what was committed is answered from here, and not from what is kept.
      if (!(error instanceof OutcomeUnknown) || !(await this.#isCommitted(write))) throw error;
    }
    if (!fresh) throw unavailable();
    await fresh.afterCommit?.();
    return { answer: fresh.answer, isOwn: true };
  }

  async #isCommitted(write: KeyedWrite): Promise<boolean> {
    const record = (await findRecords(this.db, [write])).get(idempotencyKeyOf(write));
    return record?.resourceId === write.write.view.id;
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
