import { fromUuid, newId, newUuid } from '@payflow/contracts';
import { keepsTheContractByItself } from '../testing/contract.js';
import { internal } from './index.js';

keepsTheContractByItself(
  'internal',
  () => internal.open('internal', {}, null),
  (action) => ({
    action,
    idempotencyKey: newId('attempt'),
    merchantReference: `${newId('tenant')}/test/${fromUuid('payment', newUuid())}`,
    amount: '1000',
    asset: 'USD',
    reference: null,
  }),
);
