import { capabilitiesOf } from '@payflow/connectors';
import type { Terms } from '../domain/life.js';
import { USUAL_TERMS } from '../domain/terms.js';

/** What the connector that has the payment allows. */
export function termsOf(connector: string | null): Terms {
  return (connector === null ? undefined : capabilitiesOf(connector)) ?? USUAL_TERMS;
}
