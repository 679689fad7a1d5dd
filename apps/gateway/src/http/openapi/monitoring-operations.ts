import { FORWARDED_PROBLEMS, type Operation } from './operation.js';

/** What monitoring has seen of the whole installation. */
export const MONITORING_OPERATIONS: readonly Operation[] = [
  {
    id: 'getMonitoringHealth',
    method: 'get',
    path: '/api/v1/monitoring/health',
    summary: 'The health of the whole installation: services, invariants, lags. For the organisation that runs it.',
    scope: 'monitoring:read',
    answer: 'Report',
    status: 200,
    problems: FORWARDED_PROBLEMS,
  },
  {
    id: 'getMonitoringSummary',
    method: 'get',
    path: '/api/v1/monitoring/summary',
    summary: 'Figures of the whole installation: throughput, lags, outbox. For the organisation that runs it.',
    scope: 'monitoring:read',
    answer: 'Report',
    status: 200,
    problems: FORWARDED_PROBLEMS,
  },
  {
    id: 'getMonitoringDatabase',
    method: 'get',
    path: '/api/v1/monitoring/database',
    summary:
      'The databases of all services: sizes, and advice with evidence, the exact statements, their gain and their lock. For the organisation that runs the installation.',
    scope: 'monitoring:read',
    answer: 'Report',
    status: 200,
    problems: FORWARDED_PROBLEMS,
  },
];
