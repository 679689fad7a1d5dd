import { SUSPICIONS } from '@payflow/contracts';
import { BLOCK_STATUSES } from '../../domain/block.js';
import { BLOCK_FILTERS } from '../identity/block-filters.js';
import { LIST_PROBLEMS, OWN_PROBLEMS, type Operation } from './operation.js';
import { id, instant, list, nullable, nullableText, resource } from './schema-parts.js';

/** Who is not let in for a while. */
export const BLOCK_OPERATIONS: readonly Operation[] = [
  {
    id: 'listBlocks',
    method: 'get',
    path: '/api/v1/blocks',
    summary: 'List blocks on your keys and users, newest first.',
    scope: 'blocks:read',
    query: [...Object.keys(BLOCK_FILTERS), 'limit', 'cursor'],
    answer: 'BlockList',
    status: 200,
    problems: LIST_PROBLEMS,
  },
  {
    id: 'liftBlock',
    method: 'delete',
    path: '/api/v1/blocks/{id}',
    summary: 'Let a key or a user in again before the time.',
    scope: 'blocks:write',
    own: true,
    answer: 'Block',
    status: 200,
    problems: [...OWN_PROBLEMS, 'invalid_id', 'not_found'],
  },
];

const count = { type: 'integer', minimum: 1 };

export const BLOCK_SCHEMAS: Readonly<Record<string, object>> = {
  Block: resource({
    id: id('block'),
    object: { const: 'block' },
    subject: { anyOf: [id('apiKey'), id('user')], description: 'The key or the user that is not let in.' },
    status: { enum: [...BLOCK_STATUSES] },
    suspicion: { enum: [...SUSPICIONS], description: 'What it did.' },
    count: { ...count, description: 'How many different things it tried within a minute.' },
    level: { ...count, description: 'How often within a day, this time included; each time is longer.' },
    created_at: instant,
    blocked_until: instant,
    lifted_at: nullable(instant),
    lifted_by: { ...nullableText, description: 'The key or user who lifted it, or an operator of the installation.' },
    lift_reason: nullableText,
  }),
  BlockList: list('Block'),
};
