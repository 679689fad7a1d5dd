import { boolean, choice, durations, integer, networks, type Values } from '@payflow/service';
import { PROXY_HEADERS } from './client-address.js';
import type { RateLimits } from './rates.js';
import type { SuspicionLimits } from './suspicions.js';

const PER_MINUTE_MAX = 100_000_000;
/** Outside production nobody is limited by accident: benchmarks and campaigns send with one key what a house sends with all. */
const UNLIMITED = 6_000_000;

const perMinute = (inProduction: number, description: string) =>
  integer({ min: 1, max: PER_MINUTE_MAX, default: UNLIMITED, inProduction, description });
const orElse = (description: string) => integer({ min: 1, max: PER_MINUTE_MAX, default: null, description });
const threshold = (byDefault: number, description: string) =>
  integer({ min: 0, max: 1_000_000, default: byDefault, description });

/** What stands between: in such a network an address is a proxy's or a neighbour's, and to block it would be to block everybody. */
const OWN_NETWORKS = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
];

/** How often who may ask, whom to believe where they come from, and what makes somebody suspicious. */
export const watchFields = {
  RATE_LIMIT_PER_MINUTE: perMinute(
    60_000,
    'Requests that a key or a user may send within any minute, reads and writes counted apart, where the variables below say nothing else.',
  ),
  RATE_LIMIT_READ_PER_MINUTE: orElse('Reads of a key or a user; `RATE_LIMIT_PER_MINUTE` when unset.'),
  RATE_LIMIT_WRITE_PER_MINUTE: orElse('Writes of a key or a user; `RATE_LIMIT_PER_MINUTE` when unset.'),
  RATE_LIMIT_BULK_PER_MINUTE: perMinute(600, 'Bulks of a key or a user.'),
  RATE_LIMIT_ANONYMOUS_PER_MINUTE: perMinute(
    600,
    'Requests of an address to what needs no credential: pages, and paths that there are not.',
  ),
  RATE_LIMIT_LOGIN_PER_MINUTE: perMinute(
    20,
    'Tries to log in to an account, from wherever. Of an address, to whatever account and with tokens: as many times more as the factor below says.',
  ),
  RATE_LIMIT_WEBHOOK_IN_PER_MINUTE: perMinute(60_000, 'Webhooks of providers, of an address.'),
  RATE_LIMIT_ADDRESS_FACTOR: integer({
    min: 1,
    max: 1_000,
    default: 10,
    description: 'How many times the limit of a key or an account those of one address may use together.',
  }),
  TRUSTED_PROXIES: networks({
    default: null,
    description:
      'Proxies in front of the gateway, as networks: what they say of whom they speak for is believed, and nobody else’s word.',
  }),
  TRUSTED_PROXY_HEADER: choice(PROXY_HEADERS, {
    default: 'x-forwarded-for',
    description: 'The one header in which the proxies say it. They must overwrite it, or append to it.',
  }),
  TRUSTED_NETWORKS: networks({
    default: OWN_NETWORKS,
    description:
      'Networks whose addresses are not counted and never blocked, nor the keys that are used from them suspected. This machine and private networks by default.',
  }),
  SUSPICIOUS_CREDENTIALS_PER_MINUTE: threshold(
    30,
    'Different wrong credentials, or failed logins, within a minute for which an address is blocked; 0: never.',
  ),
  SUSPICIOUS_PATHS_PER_MINUTE: threshold(
    60,
    'Different paths that there are not, asked for within a minute, for which an address is blocked; 0: never.',
  ),
  SUSPICIOUS_IDS_PER_MINUTE: threshold(
    300,
    'Different ids that there are not, asked for within a minute, for which a key or a user is blocked; 0: never.',
  ),
  BLOCK_DURATIONS: durations({
    default: [60_000, 300_000, 1_800_000, 7_200_000, 86_400_000],
    description: 'How long a block lasts: the first within a day, the second, and so on; the last for all that follow.',
  }),
  REQUEST_LOG: boolean({
    default: true,
    description: 'Whether requests are noted, for `GET /api/v1/request_log`.',
  }),
};

export type WatchConfiguration = Values<typeof watchFields>;

export function rateLimitsOf(config: WatchConfiguration): RateLimits {
  return {
    anonymous: config.RATE_LIMIT_ANONYMOUS_PER_MINUTE,
    login: config.RATE_LIMIT_LOGIN_PER_MINUTE,
    read: config.RATE_LIMIT_READ_PER_MINUTE ?? config.RATE_LIMIT_PER_MINUTE,
    write: config.RATE_LIMIT_WRITE_PER_MINUTE ?? config.RATE_LIMIT_PER_MINUTE,
    bulk: config.RATE_LIMIT_BULK_PER_MINUTE,
    webhook_in: config.RATE_LIMIT_WEBHOOK_IN_PER_MINUTE,
  };
}

export function suspicionLimitsOf(config: WatchConfiguration): SuspicionLimits {
  return {
    unauthenticated_burst: config.SUSPICIOUS_CREDENTIALS_PER_MINUTE,
    not_found_burst: config.SUSPICIOUS_PATHS_PER_MINUTE,
    id_enumeration: config.SUSPICIOUS_IDS_PER_MINUTE,
  };
}
