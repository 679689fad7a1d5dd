import type { ProblemSpec } from './problems.js';

/** Of users, sessions and API keys, and of what the gateway does by itself. */
export const IDENTITY_PROBLEMS = {
  key_in_use: {
    status: 409,
    title: 'The same request is being done right now',
    remedy: 'Send it again with the same Idempotency-Key after `Retry-After` seconds: the answer is there then.',
    retryable: true,
  },
  credentials_invalid: {
    status: 401,
    title: 'E-mail address or password is wrong',
    remedy: 'Check both; they are not told apart, and neither is an account that was disabled or has no password yet.',
  },
  login_blocked: {
    status: 429,
    title: 'Too many failed logins',
    remedy: 'Wait for `Retry-After` seconds: it grows with every further failure, to a quarter of an hour at most.',
    retryable: true,
  },
  refresh_token_invalid: {
    status: 401,
    title: 'The refresh token is not valid, or not any more',
    remedy: 'Log in again.',
  },
  refresh_token_reused: {
    status: 401,
    title: 'The refresh token was used before',
    remedy:
      'Somebody has a copy of it, so the session was ended: log in again, and keep each new token in place of the old.',
  },
  invitation_invalid: {
    status: 401,
    title: 'The invitation is not valid, or not any more',
    remedy: 'Ask who sent it for a new one: each is good once, and for seven days.',
  },
  address_not_allowed: {
    status: 403,
    title: 'The key may not be used from this address',
    remedy: 'Call from an address on the list of the key, or change that list.',
  },
  scopes_exceeded: {
    status: 403,
    title: 'Nobody gives what he does not have',
    remedy:
      'Give scopes, or a role, that the credential of this request has itself, and a key no other addresses and no later end; see GET /api/v1/auth/me.',
  },
  session_required: {
    status: 403,
    title: 'Only a user can do this',
    remedy: 'Log in, and send the access token in place of an API key.',
  },
  live_mode_required: {
    status: 403,
    title: 'Users belong to live mode as well',
    remedy: 'Use a live key or a session: a key of test mode must not reach what is live.',
  },
  user_exists: {
    status: 409,
    title: 'The organisation has a user with this e-mail address',
    remedy: 'Use that user; see GET /api/v1/users?email=.',
  },
  last_owner: {
    status: 409,
    title: 'An organisation keeps one owner at least',
    remedy: 'Make somebody else an owner who can log in, first.',
  },
  api_key_not_active: {
    status: 409,
    title: 'The key has expired or was revoked',
    remedy: 'Make a new key.',
  },
} as const satisfies Record<string, ProblemSpec>;
