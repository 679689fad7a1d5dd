import { LIST_PROBLEMS, type Operation } from './operation.js';
import { id, instant, list, nullable, nullableText, resource, text } from './schema-parts.js';

const changed = { type: ['object', 'null'] };

/** Who changed what. The filters are named here, because their own reading needs to know the operations. */
export const AUDIT_OPERATIONS: readonly Operation[] = [
  {
    id: 'listAuditLog',
    method: 'get',
    path: '/api/v1/audit_log',
    summary: 'List what was changed, by whom and from where, newest first.',
    scope: 'audit:read',
    answer: 'AuditEntryList',
    status: 200,
    query: [
      ...['actor', 'operation', 'resource', 'created[gte]', 'created[gt]', 'created[lte]', 'created[lt]'],
      ...['limit', 'cursor'],
    ],
    querySchemas: { actor: { anyOf: [id('apiKey'), id('user')], description: 'The key or the user.' } },
    problems: LIST_PROBLEMS,
  },
];

export const AUDIT_SCHEMAS: Readonly<Record<string, object>> = {
  AuditEntry: resource({
    id: id('auditEntry'),
    object: { const: 'audit_entry' },
    created_at: instant,
    livemode: { type: 'boolean', description: 'The mode of the credential that made the change.' },
    actor: {
      anyOf: [id('apiKey'), id('user')],
      description: 'The key or the user; of a log-in that failed, the user whose name was given.',
    },
    actor_kind: { enum: ['key', 'user'] },
    operation: { ...text, description: 'The `operationId` in this document.' },
    resource: { ...nullableText, description: 'What was changed, by its id.' },
    before: { ...changed, description: 'What it was, as far as this service shows it; null for what was not there.' },
    after: { ...changed, description: 'What was asked for, or what it became; never a secret.' },
    address: { ...text, description: 'The address that the request came from.' },
    request_id: text,
    trace_id: nullable(text),
  }),
  AuditEntryList: list('AuditEntry'),
};
