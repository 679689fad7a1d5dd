import { CHANGE_PROBLEMS, FORWARDED_PROBLEMS, type Operation } from './operation.js';

/** What an accountant does: closing months. */
export const BOOK_KEEPING_OPERATIONS: readonly Operation[] = [
  {
    id: 'closePeriod',
    method: 'post',
    path: '/api/v1/periods/{month}/close',
    summary: 'Close a month: nothing may take effect in it any more. Its figures come when what is at work has ended.',
    scope: 'accounts:admin',
    body: 'PeriodCloseRequest',
    answer: 'Period',
    status: 200,
    problems: [...CHANGE_PROBLEMS, 'period_closed', 'period_not_over', 'period_out_of_order', 'operation_refused'],
  },
  {
    id: 'listPeriods',
    method: 'get',
    path: '/api/v1/periods',
    summary: 'List closed and closing months, latest first.',
    scope: 'accounts:read',
    answer: 'PeriodList',
    status: 200,
    query: ['limit', 'cursor'],
    computed: true,
    problems: [...FORWARDED_PROBLEMS, 'cursor_invalid', 'cursor_mismatch'],
  },
  {
    id: 'getPeriod',
    method: 'get',
    path: '/api/v1/periods/{month}',
    summary: 'Read one closed or closing month with its closing figures.',
    scope: 'accounts:read',
    answer: 'PeriodWithTotals',
    status: 200,
    computed: true,
    problems: [...FORWARDED_PROBLEMS, 'not_found'],
  },
];
