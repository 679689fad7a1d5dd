import type { Connector } from '@payflow/connectors';

export function connectorNamed(connectors: readonly Connector[], name: string): Connector | undefined {
  return connectors.find((connector) => connector.name === name);
}
