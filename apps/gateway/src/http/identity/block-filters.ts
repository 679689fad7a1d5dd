import { SUSPICIONS, toUuid } from '@payflow/contracts';
import type { BlockFilter } from '../../database/own-block.repository.js';
import { BLOCK_STATUSES } from '../../domain/block.js';
import { CREATED, type FilterReaders } from '../lists/list-filters.js';

type Reader = FilterReaders<BlockFilter>[string]['read'];

const oneOf =
  (words: readonly string[]): Reader =>
  (text) =>
    words.includes(text) ? { value: text } : { mustBe: `one of ${words.join(', ')}` };

export const BLOCK_FILTERS: FilterReaders<BlockFilter> = {
  status: { name: 'status', read: oneOf(BLOCK_STATUSES) },
  subject: {
    name: 'subject',
    read: (text) =>
      toUuid('apiKey', text) || toUuid('user', text) ? { value: text } : { mustBe: 'an id of a key or of a user' },
  },
  suspicion: { name: 'suspicion', read: oneOf(SUSPICIONS) },
  ...CREATED,
};
