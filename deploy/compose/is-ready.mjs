/** The image's health check: ends with 0 while the service in this container is ready, whether it speaks TLS itself or not. */
import { get as plain } from 'node:http';
import { get as encrypted } from 'node:https';

const { HOST, PORT } = process.env;
const everywhere = !HOST || HOST === '0.0.0.0' || HOST === '::';

// Whose certificate it is, is for clients to ask: here is only its own process.
const options = {
  host: everywhere ? '127.0.0.1' : HOST,
  port: PORT,
  path: '/readyz',
  rejectUnauthorized: false,
};

/** @param {typeof plain} get @returns {Promise<number | undefined>} the status, or undefined where it does not speak so */
function asked(get) {
  return new Promise((resolve) => {
    get(options, ({ statusCode }) => resolve(statusCode)).on('error', () => resolve(undefined));
  });
}

const status = (await asked(plain)) ?? (await asked(encrypted));
process.exit(status === 200 ? 0 : 1);
