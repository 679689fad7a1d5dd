import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { histogram } from '@payflow/telemetry';
import { Turns } from '../acceptance/turns.js';
import { subjectOf } from '../watch/networks.js';

const derive = promisify(argon2);

/** What a hash costs. `memory`: KiB. */
interface Parameters {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane. 35 ms of one core here; four times that would still be a quiet login under 200 ms. */
const PARAMETERS: Parameters = { memory: 19_456, passes: 2, parallelism: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** Dearer than we ever make them: what a table says must not decide how long the process works. */
const MEMORY_MAX = 262_144;
const PASSES_MAX = 10;

/**
 * Node has four threads for all that is not the event loop, and files and names need some of them: two at once, in the order they
 * came. Whoever would wait longer than this is told to come back. An organisation, or a network address, has one of the two at
 * most: what it asks for beside that waits for its own, and nobody else does. Ten wait of one: as many people can log in at the
 * same moment from behind one address, and they are through in time on a core that takes five times as long.
 */
const TURNS = { running_max: 2, waiting_max: 100, wait_ms: 3_000, ofOne: { running_max: 1, waiting_max: 10 } };

const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/;

interface Kept extends Parameters {
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** Whose turn it is of what is asked without a credential: of IPv6 a /64's, as rates are counted. */
export function atAddress(address: string): string {
  return `address ${subjectOf(address)}`;
}

/** Passwords as they are kept: argon2id in the PHC form, which names its own parameters. */
export class Passwords {
  readonly #turns = new Turns(TURNS);
  readonly #duration = histogram(
    'payflow_password_hash_duration_seconds',
    'Of one argon2id hash, the wait for its turn left out.',
  );
  /** Of a password that nobody has: what an unknown user's is compared with. */
  readonly #nobody: Kept = { ...PARAMETERS, salt: randomBytes(SALT_BYTES), hash: randomBytes(HASH_BYTES) };

  /** The hash to keep of a password. `whose`: the organisation that asks, or {@link atAddress}. */
  async hash(password: string, whose: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    const { memory, passes, parallelism } = PARAMETERS;
    const hash = await this.#derive(password, { ...PARAMETERS, salt }, whose);
    return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${plain(salt)}$${plain(hash)}`;
  }

  /** Whether it is the password. As long in coming where nothing is kept of one: that is nobody's, and nobody's password is right. */
  async isRight(password: string, kept: string | null | undefined, whose: string): Promise<boolean> {
    const known = kept ? parse(kept) : undefined;
    const compared = known ?? this.#nobody;
    const hash = await this.#derive(password, compared, whose);
    return timingSafeEqual(hash, compared.hash) && known !== undefined;
  }

  /** Whether what is kept was made with other parameters than a new one would be. */
  isOutdated(kept: string): boolean {
    const known = parse(kept);
    return !known || (['memory', 'passes', 'parallelism'] as const).some((name) => known[name] !== PARAMETERS[name]);
  }

  #derive(
    password: string,
    { memory, passes, parallelism, salt }: Parameters & { readonly salt: Buffer },
    whose: string,
  ): Promise<Buffer> {
    const work = async (): Promise<Buffer> => {
      const end = this.#duration.startTimer();
      const message = Buffer.from(password.normalize('NFKC'));
      const options = { message, nonce: salt, memory, passes, parallelism, tagLength: HASH_BYTES };
      try {
        return await derive('argon2id', options);
      } finally {
        end();
      }
    };
    return this.#turns.run(work, undefined, whose);
  }
}

function parse(kept: string): Kept | undefined {
  const [, memory, passes, parallelism, salt = '', hash = ''] = PHC.exec(kept) ?? [];
  const parameters = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  if (!(parameters.memory <= MEMORY_MAX && parameters.passes <= PASSES_MAX)) return undefined;
  return { ...parameters, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
}

/** Base64 as the PHC form has it: without padding. */
function plain(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
