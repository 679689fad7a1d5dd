import { MOVEMENT_PROBLEMS, WRITE_PROBLEMS, type Operation } from './operation.js';

/** What changes or tells what has become of something that was booked before. */
export const HISTORY_OPERATIONS: readonly Operation[] = [
  {
    id: 'correctTransfer',
    method: 'post',
    path: '/api/v1/transfers/{id}/correct',
    summary: 'Move back what is left of a posted transfer and book the corrected one in its place, both or neither.',
    scope: 'transfers:write',
    body: 'CorrectionRequest',
    answer: 'Transfer',
    status: 201,
    problems: [
      ...WRITE_PROBLEMS,
      ...MOVEMENT_PROBLEMS,
      'invalid_id',
      'not_found',
      'transfer_not_posted',
      'transfer_of_payment',
      'transfer_corrected',
      'reversal_exceeds_original',
      'effective_in_future',
      'transfer_not_found',
    ],
  },
];
