import { SqlMigration } from '@payflow/database';

/**
 * From which day on a group marks all that it receives, where it once did not: what payments tell was counted without a mark until
 * the gateway was of the version that this is a part of. Of the days before there is no mark to hold the counts against.
 */
export class GatewayMarksBegan1764700000004 extends SqlMigration {
  readonly sql = `
create table marks_began (
  consumer_group text primary key,
  day date not null
);
insert into marks_began select 'gateway.payments', (clock_timestamp() at time zone 'UTC')::date + 1
  where exists (select from received_tallies where consumer_group = 'gateway.payments');
`;
}
