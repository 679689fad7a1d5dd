import { duration } from '@payflow/service';

const DAY_MS = 86_400_000;

/** How long those stay logged in who log in. */
export const identityFields = {
  PAYFLOW_ACCESS_TOKEN_LIFE: duration({
    default: 900_000,
    min: 1_000,
    max: DAY_MS,
    description: 'How long an access token is valid; then its refresh token gives the next one.',
  }),
  PAYFLOW_SESSION_LIFE: duration({
    default: 14 * DAY_MS,
    min: 1_000,
    max: 24 * DAY_MS,
    description: 'How long a session that nobody renews goes on. None goes on for more than 90 days.',
  }),
};
