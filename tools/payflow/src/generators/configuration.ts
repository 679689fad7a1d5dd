import { archiverConfiguration } from '@payflow/archiver/config';
import { gatewayConfiguration } from '@payflow/gateway/config';
import { ledgerConfiguration } from '@payflow/ledger/config';
import { monitoringConfiguration } from '@payflow/monitoring/config';
import { paymentsConfiguration } from '@payflow/payments/config';
import { sandboxConfiguration } from '@payflow/sandbox/config';
import { configurationTable } from '@payflow/service';

/** The variables that each service reads, as tables. */
export function configurationTables(): string {
  const services = [
    gatewayConfiguration,
    paymentsConfiguration,
    ledgerConfiguration,
    archiverConfiguration,
    monitoringConfiguration,
    sandboxConfiguration,
  ];
  return [
    '# Configuration',
    '',
    "Generated from each service's `<service>.config.ts`: do not edit. A wrong configuration ends the process with exit code 78 and names every problem at once.",
    ...services.flatMap((configuration) => ['', `## ${configuration.service}`, '', configurationTable(configuration)]),
    '',
  ].join('\n');
}
