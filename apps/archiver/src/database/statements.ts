/** Makes all statements of the service known by their names, for those who look at them from outside. */
import './archive.repository.js';
import './invariants.js';

export {};
