/** Makes all statements of the service known by their names, for those who look at them from outside. */
import './acceptance.repository.js';
import './account-view.repository.js';
import './api-key.repository.js';
import './bulk-acceptance.repository.js';
import './client-id.repository.js';
import './dispute-view.repository.js';
import './hold-view.repository.js';
import './invariants.js';
import './new-view.repository.js';
import './operation-view.repository.js';
import './payment-bulk.repository.js';
import './payment-sequence.repository.js';
import './payment-transfer.repository.js';
import './payment-view.repository.js';
import './provider-webhook.repository.js';
import './reply.repository.js';
import './transaction-type-view.repository.js';
import './transfer-bulk-view.repository.js';
import './transfer-group-view.repository.js';
import './transfer-view.repository.js';
import './unit-view.repository.js';

export { CONVERSION_LISTS } from './conversion-list.repository.js';
export { DISPUTE_LISTS } from './dispute-view.repository.js';
export { HOLD_LISTS } from './hold-view.repository.js';
export { OPERATION_LISTS } from './operation-view.repository.js';
export { PAYMENT_LISTS } from './payment-view.repository.js';
export { PLANNED_FOR_VALUES, TRANSFER_LISTS } from './transfer-view.repository.js';
