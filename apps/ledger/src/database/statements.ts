/** Makes all statements of the service known by their names, for those who look at them from outside. */
import './account-line.repository.js';
import './account.repository.js';
import './aside.repository.js';
import './balance-totals.repository.js';
import './balance.repository.js';
import './booked-transfer.repository.js';
import './books.repository.js';
import './chain-head.repository.js';
import './dry-run.repository.js';
import './expiry.repository.js';
import './index-order.js';
import './invariants.js';
import './metadata-version.repository.js';
import './period.repository.js';
import './proof.repository.js';
import './recall.repository.js';
import './seal.repository.js';
import './snapshot.repository.js';
import './test-expiry.repository.js';
import './transaction-type.repository.js';
import './transfer-facts.repository.js';
import './transfer.repository.js';
import './verdict.repository.js';

export {};
