export type * from './connector.js';
export { PROVIDER_ACTIONS } from './connector.js';
