/** Makes all statements of the service known by their names, for those who look at them from outside. */
import './attempt-reads.repository.js';
import './dispute.repository.js';
import './invariants.js';
import './life-changes.repository.js';
import './life.repository.js';
import './overdue.repository.js';
import './payment.repository.js';
import './surroundings.repository.js';
import '../limits/judgement.repository.js';
import '../limits/limit-use.js';
import '../limits/policy.repository.js';
import '../limits/review.repository.js';
import '../limits/use.repository.js';
import './route.repository.js';
import '../providers/attempt.repository.js';
import './test-expiry.repository.js';
import './undecided.repository.js';
import './undivided.repository.js';

export {};
