import { API_KEY_STATUSES } from '../../domain/api-key.js';
import { ROLES } from '../../domain/role.js';
import { SCOPES } from '../../domain/scope.js';
import { SESSION_ENDS } from '../../domain/session.js';
import { USER_STATUSES } from '../../domain/user.js';
import {
  API_KEY_REQUEST_SCHEMA,
  API_KEY_ROTATION_REQUEST_SCHEMA,
  API_KEY_UPDATE_REQUEST_SCHEMA,
  INVITATION_REQUEST_SCHEMA,
  LOGIN_REQUEST_SCHEMA,
  PASSWORD_REQUEST_SCHEMA,
  REFRESH_REQUEST_SCHEMA,
  USER_REQUEST_SCHEMA,
  USER_UPDATE_REQUEST_SCHEMA,
} from '../identity/identity.request.js';
import { count, id, instant, list, nullable, nullableText, ref, resource, text, version } from './schema-parts.js';

const scopes = { type: 'array', items: { enum: SCOPES } };
const once = (what: string) => ({ ...nullableText, description: `${what} Seen in this one answer; null in a replay.` });

const user = {
  id: id('user'),
  object: { const: 'user' },
  email: text,
  name: text,
  role: { enum: ROLES },
  status: { enum: USER_STATUSES, description: '`invited`: has no password yet.' },
  invitation_expires_at: nullable(instant),
  disabled_at: nullable(instant),
  version,
  created_at: instant,
};

const apiKey = {
  id: id('apiKey'),
  object: { const: 'api_key' },
  name: text,
  livemode: { type: 'boolean' },
  scopes,
  allowed_addresses: {
    type: 'array',
    items: text,
    description: 'CIDR blocks that it may be used from; from anywhere where there are none.',
  },
  api_version: { ...text, description: 'The version of the API that answers it where a request asks for none.' },
  status: { enum: API_KEY_STATUSES },
  expires_at: nullable(instant),
  revoked_at: nullable(instant),
  replaces: { ...nullable(id('apiKey')), description: 'The key that it came after, by rotation.' },
  created_by: nullableText,
  last_used_at: { ...nullable(instant), description: 'A few seconds behind.' },
  request_count: count,
  version,
  created_at: instant,
};

/** What the API takes and gives of users, sessions and keys. */
export const IDENTITY_SCHEMAS: Readonly<Record<string, object>> = {
  LoginRequest: LOGIN_REQUEST_SCHEMA,
  RefreshRequest: REFRESH_REQUEST_SCHEMA,
  InvitationRequest: INVITATION_REQUEST_SCHEMA,
  PasswordRequest: PASSWORD_REQUEST_SCHEMA,
  Tokens: resource({
    object: { const: 'tokens' },
    token_type: { const: 'Bearer' },
    access_token: text,
    expires_in: { ...count, description: 'Seconds.' },
    refresh_token: { ...text, description: 'Good once: the answer to it has the next one.' },
    refresh_expires_in: { ...count, description: 'Seconds.' },
    session: id('session'),
  }),
  Me: resource({
    id: { ...text, description: 'Of the user or of the key.' },
    object: { const: 'me' },
    kind: { enum: ['user', 'key'] },
    organisation: resource({ id: id('tenant'), name: text }),
    livemode: { type: 'boolean' },
    scopes,
    session: nullable(id('session')),
    user: nullable(ref('User')),
    api_key: nullable(ref('ApiKey')),
  }),
  Session: resource({
    id: id('session'),
    object: { const: 'session' },
    user: id('user'),
    livemode: { type: 'boolean' },
    current: { type: 'boolean', description: 'Whether it is the one that asks.' },
    address: text,
    user_agent: text,
    created_at: instant,
    renewed_at: instant,
    expires_at: instant,
    ended_at: nullable(instant),
    end_reason: nullable({ enum: SESSION_ENDS }),
  }),
  SessionList: list('Session'),
  UserRequest: USER_REQUEST_SCHEMA,
  UserUpdateRequest: USER_UPDATE_REQUEST_SCHEMA,
  User: resource(user),
  UserList: list('User'),
  InvitedUser: resource({
    ...user,
    invitation_token: once('For whoever is to choose the password; null where one was given.'),
  }),
  ApiKeyRequest: API_KEY_REQUEST_SCHEMA,
  ApiKeyUpdateRequest: API_KEY_UPDATE_REQUEST_SCHEMA,
  ApiKeyRotationRequest: API_KEY_ROTATION_REQUEST_SCHEMA,
  ApiKey: resource(apiKey),
  ApiKeyList: list('ApiKey'),
  NewApiKey: resource({ ...apiKey, secret: once('The key itself.') }),
};
