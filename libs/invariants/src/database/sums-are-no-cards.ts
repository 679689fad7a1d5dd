import { SqlMigration } from '@payflow/database';

/**
 * A payment says its sums under more names than it did: those of what is authorized and disputed, of its parts, limits and rules.
 * The names are those that the gateway lets through; what stands under them in metadata was refused there.
 */
export class SumsAreNoCards1764300000001 extends SqlMigration {
  readonly sql = `
create or replace function holds_card_number(content text) returns boolean language sql immutable strict parallel safe as $$
  select content ~ '[0-9]{4}[ -]?[0-9]{4}' and exists (
    select from regexp_matches(
      regexp_replace(content,
        '"(amount(_[a-z]+)?|[a-z_]+_amount|(posted|pending)_(debits|credits)|balance_[gl]te|fixed|overdraft_limit|numerator|denominator)" ?: ?"-?[0-9]+"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', '', 'g'),
      '(?<![0-9A-Za-z_.+-])([0-9]{13,19}|[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{4}|3[47][0-9]{2}[ -][0-9]{6}[ -][0-9]{5})(?![0-9A-Za-z_.-])', 'g') as found,
      lateral (select translate(found[1], ' -', '') as digits) as candidate
    where digits ~ '^(4|5[1-5]|2[2-7]|3[4-9]|30[0-5]|6[0-9])' and luhn(digits))
$$;
`;
}
