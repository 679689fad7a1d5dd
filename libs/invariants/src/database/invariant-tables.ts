import { SqlMigration } from '@payflow/database';

/** What the checks stand on, the same in every service's database. New tables and functions only: locks nothing that exists. */
export class InvariantTables1763700002000 extends SqlMigration {
  readonly sql = [idFunctions(), SECRET_FUNCTIONS, TALLY_TABLES].join('');
}

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
/** The value of each ASCII character as a base32 digit, in hex: a byte each. */
const DIGIT_VALUES = Array.from({ length: 128 }, (_, code) =>
  Math.max(0, ALPHABET.indexOf(String.fromCharCode(code)))
    .toString(16)
    .padStart(2, '0'),
).join('');

const digit = (at: number) => `get_byte(value, get_byte(digits, ${at}))::bigint`;

/** Digits `first` to `last` as the bits of a bigint: the first half ends with one bit of the next digit. */
function bits(first: number, last: number): string {
  const below = last === 12 ? 1 : 0;
  return Array.from(
    { length: last - first + 1 },
    (_, at) => `(${digit(first + at)} << ${(last - first - at) * 5 + below})`,
  ).join(' | ');
}

/** Public ids and the parts of a UUIDv7. */
const idFunctions = () => `
-- The UUID of a public id; null for any other text. Checks turn thousands of ids, so each digit is a look into a table of bytes.
create function typeid_uuid(id text) returns uuid language plpgsql immutable strict parallel safe as $$
declare
  digits bytea;
  value constant bytea := '\\x${DIGIT_VALUES}';
begin
  if id !~ '^[a-z]{1,8}_[0-7][0-9a-hjkmnp-tv-z]{25}$' then return null; end if;
  digits := right(id, 26)::bytea;
  return (lpad(to_hex(${bits(0, 12)} | (${digit(13)} >> 4)), 16, '0')
    || lpad(to_hex(((${digit(13)} & 15) << 60) | ${bits(14, 25)}), 16, '0'))::uuid;
end $$;

-- The smallest UUIDv7 of a moment; of the beginning of time for '-infinity'.
create function uuid_floor(of timestamptz) returns uuid language sql immutable strict parallel safe as $$
  select (lpad(to_hex(greatest(extract(epoch from greatest(of, '1970-01-01 00:00:00+00')) * 1000, 0)::bigint), 12, '0') || '70008000000000000000')::uuid
$$;

create function uuid_time(of uuid) returns timestamptz language sql immutable strict parallel safe as $$
  select to_timestamp(('x' || left(of::text, 8) || substr(of::text, 10, 4))::bit(48)::bigint / 1000.0)
$$;

-- The random end of a UUIDv7, 48 bits: what tallies add up.
create function uuid_tail(of uuid) returns bigint language sql immutable strict parallel safe as $$
  select ('x' || right(of::text, 12))::bit(48)::bigint
$$;
`;

/** Finds what must stand in no table. They answer what kind of thing it is, and never the thing itself. */
const SECRET_FUNCTIONS = `
-- The check digit of ISO/IEC 7812-1.
create function luhn(digits text) returns boolean language sql immutable strict parallel safe as $$
  select sum(case when (length(digits) - at) % 2 = 1 then digit * 2 / 10 + digit * 2 % 10 else digit end) % 10 = 0
  from generate_series(1, length(digits)) as at, lateral (select substr(digits, at, 1)::integer as digit) as one
$$;

-- A card number stands alone: unbroken, or in groups as printed; begins as the networks' numbers do; and passes the check digit.
-- Amounts and UUIDs, which are digits by nature, are taken out first.
create function holds_card_number(content text) returns boolean language sql immutable strict parallel safe as $$
  select content ~ '[0-9]{4}[ -]?[0-9]{4}' and exists (
    select from regexp_matches(
      regexp_replace(content,
        '"(amount|amount_captured|amount_refunded|(posted|pending)_(debits|credits))" ?: ?"[0-9]+"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', '', 'g'),
      '(?<![0-9A-Za-z_.+-])([0-9]{13,19}|[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{4}|3[47][0-9]{2}[ -][0-9]{6}[ -][0-9]{5})(?![0-9A-Za-z_.-])', 'g') as found,
      lateral (select translate(found[1], ' -', '') as digits) as candidate
    where digits ~ '^(4|5[1-5]|2[2-7]|3[4-9]|30[0-5]|6[0-9])' and luhn(digits))
$$;

create function secret_kind(content text) returns text language sql immutable strict parallel safe as $$
  select case
    when content ~ '\\msk_(live|test)_[0-9A-Za-z_-]{16,}' then 'api_key'
    when content ~* '"(password|passwd|client_secret|secret_key|cvv2?|cvc2?)" ?: ?"[^"]' then 'password'
    when content ~ 'eyJ[0-9A-Za-z_-]{8,}\\.eyJ[0-9A-Za-z_-]{8,}\\.|Bearer [0-9A-Za-z._-]{16,}' then 'token'
    when holds_card_number(content) then 'card_number'
  end
$$;
`;

/** The sending half of "sent = received", summed once per outbox row. */
const TALLY_TABLES = `
create table sent_tallies (
  topic text not null,
  day date not null,
  messages bigint not null,
  id_sum bigint not null,
  primary key (topic, day)
);

-- Rows of transactions before the horizon are summed. Transactions that still run are never before it.
create table sent_horizon (
  only_row boolean primary key default true check (only_row),
  horizon xid8 not null,
  seen_until timestamptz not null
);
insert into sent_horizon (horizon, seen_until) values ('0', '-infinity');

-- What was archived, by type and by the day inside the event id: the measure for readers that want only some of a topic's
-- types. Only the archiver writes it. Slots keep two partitions' transactions from waiting for each other.
create table archived_tallies (
  topic text not null,
  type text not null,
  day date not null,
  slot smallint not null,
  messages bigint not null,
  id_sum bigint not null,
  primary key (topic, type, day, slot)
) with (fillfactor = 50);
`;
