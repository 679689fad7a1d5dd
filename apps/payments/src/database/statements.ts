/** Makes all statements of the service known by their names, for those who look at them from outside. */
import './dispute.repository.js';
import './invariants.js';
import './payment.repository.js';

export {};
