import { randomBytes } from 'node:crypto';
import { newId } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { hashApiKey, newApiKey } from '../database/api-key.repository.js';
import { insertKey } from '../database/managed-key.repository.js';
import { claimInstallation, firstOrganisation, insertOrganisation } from '../database/organisation.repository.js';
import { insertUser } from '../database/user.repository.js';
import { API_VERSION } from '../domain/api-version.js';
import { ROLE_SCOPES } from '../domain/role.js';
import { Passwords } from './passwords.js';

const PASSWORD_BYTES = 18;
const EMAIL = /^[!-?A-~]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/;
const PASSWORD_LENGTH_MIN = 12;
const PASSWORD_LENGTH_MAX = 128;

/** What an organisation begins with. */
export interface Beginning {
  readonly organisation: string;
  readonly email: string;
  /** One is made where none is given. */
  readonly password?: string | undefined;
}

/** An organisation that has begun. Password and key are seen this once. */
export interface Begun {
  readonly organisation: string;
  readonly owner: string;
  readonly email: string;
  readonly password: string;
  readonly apiKey: string;
}

/** The organisation that this installation began with is there already. */
export class AlreadyBootstrapped extends Error {
  override readonly name = 'AlreadyBootstrapped';

  constructor(readonly organisation: string) {
    super(
      `this installation has its first organisation, ${organisation}: log in as its owner, or make another with \`payflow organisations add\``,
    );
  }
}

/**
 * The first organisation of an installation, its owner and a key of test mode: once. Throws {@link AlreadyBootstrapped}.
 * `remember` is called before anything stands: where it throws, nothing was made, and what it wrote nobody else has to tell.
 */
export async function bootstrap(db: Database, beginning: Beginning, remember?: (begun: Begun) => void): Promise<Begun> {
  const known = await firstOrganisation(db);
  if (known !== undefined) throw new AlreadyBootstrapped(known);
  return begin(db, beginning, true, remember);
}

/** One organisation more, with an owner and a key. Whoever runs it has the database; the API makes none. */
export function addOrganisation(db: Database, beginning: Beginning): Promise<Begun> {
  return begin(db, beginning, false);
}

async function begin(
  db: Database,
  beginning: Beginning,
  isFirst: boolean,
  remember?: (begun: Begun) => void,
): Promise<Begun> {
  const email = beginning.email.toLowerCase();
  const password = beginning.password ?? randomBytes(PASSWORD_BYTES).toString('base64url');
  check(beginning.organisation, email, password);
  const [passwordHash, apiKey, owner] = [await new Passwords().hash(password, ''), newApiKey(false), newId('user')];
  return db.transaction(async (tx) => {
    const organisation = await insertOrganisation(tx, beginning.organisation);
    if (isFirst && !(await claimInstallation(tx, organisation)))
      throw new AlreadyBootstrapped((await firstOrganisation(tx)) ?? 'just made');
    await insertUser(tx, { organisation, id: owner, email, name: email, role: 'owner', passwordHash });
    await insertKey(tx, {
      ...{ tenant: organisation, livemode: false, id: newId('apiKey'), hash: hashApiKey(apiKey), name: 'first' },
      ...{ scopes: ROLE_SCOPES.owner, allowedAddresses: [], apiVersion: API_VERSION },
      ...{ expiresAt: null, replaces: null, createdBy: owner },
    });
    const begun = { organisation, owner, email, password, apiKey };
    remember?.(begun);
    return begun;
  });
}

function check(organisation: string, email: string, password: string): void {
  if (organisation.trim() === '' || organisation.length > 200)
    throw new Error('the organisation needs a name of at most 200 characters');
  if (!EMAIL.test(email)) throw new Error('the owner needs an e-mail address');
  const { length } = [...password];
  if (length < PASSWORD_LENGTH_MIN || length > PASSWORD_LENGTH_MAX)
    throw new Error(`the password must have ${PASSWORD_LENGTH_MIN} to ${PASSWORD_LENGTH_MAX} characters`);
}
