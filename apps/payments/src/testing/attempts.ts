import { newId, newUuid, uuidOf } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import { enqueue } from '@payflow/jobs';
import type { TestDatabase } from '@payflow/testing';
import { providerJobs } from '../providers/ask-providers.js';
import { insertAttempts } from '../providers/attempt.repository.js';
import type { NewAttempt } from '../providers/attempt.js';

const ATTEMPTS = statement(
  'spec.attempts',
  `select id, number, status, connector, code, provider_reference as reference, url, inquiries, needs_attention, version::integer as version,
     routing is not null as "isExplained"
   from attempts where payment_id = $1 order by number`,
);
const LOG = statement(
  'spec.log-of-attempt',
  `select version::integer as version, from_status || ' ' || to_status as way, actor, reason, trace_id as trace
   from attempt_transitions where attempt_id = $1 order by version`,
);
const EVIDENCE = statement(
  'spec.evidence',
  'select source, outcome, believed from provider_evidence where payment_id = $1 order by received_at, id',
);
const ANSWERS = statement(
  'spec.answers',
  `select m ->> 'value' as value, m -> 'message' ->> 'actor' as actor, m -> 'message' ->> 'correlationId' as correlation
   from outbox, json_array_elements(messages::json) as m
   where m -> 'message' ->> 'type' in ('payflow.payment.answer.v1', 'payflow.dispute.answer.v1') and m -> 'message' ->> 'subject' = $1 order by id`,
);
const JOBS = statement(
  'spec.jobs-of-attempt',
  `select t.identifier as job, extract(epoch from run_at - now())::float8 as due_s, payload ->> 'traceparent' as traceparent
   from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id
   where payload -> 'data' ->> 'attempt' = $1 and j.key is not null order by 1`,
);

const HEARD = statement(
  'spec.heard',
  `insert into provider_evidence (tenant_id, livemode, id, payment_id, attempt_id, connector, source, outcome, content, believed)
   values ($1, $2, $3, $4, $5, $7, 'webhook', $6, '{}', false)`,
);

export interface AttemptRow {
  /** UUID. */
  readonly id: string;
  readonly number: number;
  readonly status: string;
  readonly connector: string | null;
  readonly code: string | null;
  readonly reference: string | null;
  readonly url: string | null;
  readonly inquiries: number;
  readonly needs_attention: boolean;
  readonly version: number;
  readonly isExplained: boolean;
}

export interface Answer {
  readonly attempt: string;
  readonly outcome: string;
  readonly code: string | null;
  readonly connector: string | null;
  readonly provider_reference: string | null;
  readonly url: string | null;
  readonly authorized_at?: string;
}

/** What the machine would have written down for a payment, and a look at what the worker makes of it. */
export class Wishes {
  readonly tenant = newId('tenant');

  constructor(private readonly db: TestDatabase) {}

  /** A card payment whose authorization waits for a provider. `left_ms`: until it expires. */
  async wish(change: Partial<NewAttempt> = {}, { left_ms = 3_600_000, token = 'tok_visa' } = {}): Promise<NewAttempt> {
    const payment = change.payment ?? newId('payment');
    const attempt: NewAttempt = {
      tenant: this.tenant,
      livemode: false,
      id: newId('attempt'),
      payment,
      operation: uuidOf('payment', payment),
      action: 'sale',
      amount: 1_000n,
      asset: 'USD',
      request: { card: { type: 'card', token, brand: 'visa' } },
      connector: null,
      ...change,
    };
    if (!change.payment) await this.insertPayment(attempt, left_ms);
    await this.insertOperation(attempt);
    return attempt;
  }

  async ask(...given: Parameters<Wishes['wish']>): Promise<NewAttempt> {
    const attempt = await this.wish(...given);
    await this.database.transaction(async (tx) => {
      await insertAttempts(tx, [{ ...attempt, number: 1 }]);
      await enqueue(tx, providerJobs([attempt]));
    });
    return attempt;
  }

  /** As the machine keeps what a webhook says. */
  async hears(attempt: NewAttempt, outcome: string, connector = 'one'): Promise<void> {
    const { tenant, livemode, payment, id } = attempt;
    const place = [uuidOf('tenant', tenant), livemode, newUuid(), uuidOf('payment', payment), uuidOf('attempt', id)];
    await this.database.rows(HEARD, [...place, outcome, connector]);
  }

  get database(): Database {
    return this.db.database;
  }

  attempts({ payment }: NewAttempt): Promise<AttemptRow[]> {
    return this.database.rows<AttemptRow>(ATTEMPTS, [uuidOf('payment', payment)]);
  }

  log({
    id,
  }: Pick<NewAttempt, 'id'>): Promise<
    { version: number; way: string; actor: string; reason: string; trace: string | null }[]
  > {
    return this.database.rows(LOG, [uuidOf('attempt', id)]);
  }

  evidence({ payment }: NewAttempt): Promise<{ source: string; outcome: string; believed: boolean }[]> {
    return this.database.rows(EVIDENCE, [uuidOf('payment', payment)]);
  }

  async answers({ payment }: NewAttempt): Promise<Answer[]> {
    const rows = await this.database.rows<{ value: string }>(ANSWERS, [payment]);
    return rows.map(({ value }) => JSON.parse(value) as Answer);
  }

  jobs({ id }: Pick<NewAttempt, 'id'>): Promise<{ job: string; due_s: number; traceparent: string | null }[]> {
    return this.database.rows(JOBS, [id]);
  }

  /** As if so long had passed since the attempt was last moved, and since its outcome became unknown. */
  age({ id }: Pick<NewAttempt, 'id'>, by: string): Promise<void> {
    return this.db.tamper(
      `update attempts set updated_at = updated_at - interval '${by}', unknown_at = unknown_at - interval '${by}' where id = '${uuidOf('attempt', id)}'`,
    );
  }

  /** What goes to one connector goes on with what that one did. */
  private async insertPayment({ payment, connector }: NewAttempt, left_ms: number): Promise<void> {
    const [tenant, id] = [uuidOf('tenant', this.tenant), uuidOf('payment', payment)];
    const doneBy = connector === null ? 'null' : `'${connector}'`;
    await this.db.tamper(
      `insert into payments (tenant_id, livemode, id, status, version, amount_minor, asset, source_account_id, destination_account_id,
         method, metadata, create_command_id, created_at, expires_at, connector)
       values ('${tenant}', false, '${id}', 'processing', 0, 1000, 'USD', '${newUuid()}', '${newUuid()}',
         '{"type":"card","token":"tok_visa"}', '{}', '${newUuid()}', now(), now() + interval '${left_ms} milliseconds', ${doneBy})`,
    );
  }

  private async insertOperation({ payment, operation, action }: NewAttempt): Promise<void> {
    const [tenant, id] = [uuidOf('tenant', this.tenant), uuidOf('payment', payment)];
    const [kind, status, amount] =
      action === 'submit_evidence'
        ? ['dispute', 'succeeded', 'null']
        : [operation === id ? 'authorization' : 'capture', 'asking', '1000'];
    await this.db.tamper(
      `insert into payment_operations (tenant_id, livemode, id, payment_id, kind, number, status, amount_minor, command_id, actor, created_at)
       select '${tenant}', false, '${operation}', '${id}', '${kind}', 1 + count(*), '${status}', ${amount}, '${newUuid()}', 'spec', now()
       from payment_operations where payment_id = '${id}' on conflict do nothing`,
    );
  }
}
