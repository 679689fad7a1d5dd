export { BoundedQueue, type BoundedQueueOptions, type QueuedWork } from './bounded-queue.js';
export { Breaker, type BreakerOptions } from './breaker.js';
export { breakerStates, registerBreaker } from './breaker-states.js';
export { Bulkhead, type BulkheadOptions } from './bulkhead.js';
export {
  DEADLINE_HEADER,
  currentDeadline,
  deadlineHeader,
  deadlineIn,
  deadlineOf,
  timeLeft_ms,
  withDeadline,
  type Deadline,
} from './deadline.js';
export { Policy, type Call, type PolicyOptions } from './policy.js';
export { RateLimit, type RateLimitOptions } from './rate-limit.js';
export { Refused, TimedOut, type RefusalReason } from './refused.js';
export { Retry, type RetryOptions } from './retry.js';
export { RetryBudget, type RetryBudgetOptions } from './retry-budget.js';
export { withinTime } from './time-limit.js';
