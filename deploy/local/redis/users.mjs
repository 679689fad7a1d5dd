import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** All that `libs/cache`, the rate limits and the views' lag say to a server, and nothing else: no KEYS, no FLUSHALL, no CONFIG. */
export const cacheCommands = Object.freeze([
  'get',
  'set',
  'del',
  'mget',
  'exists',
  'unlink',
  'hset',
  'hdel',
  'hgetall',
  'pexpire',
  'scan',
  'publish',
  'subscribe',
  'ping',
  'info',
  'eval',
  'evalsha',
  'time',
  'hello',
  'auth',
  'client|setname',
]);

/** @typedef {{ service: string, password: string }} RedisUser */

/** @param {string} service */
export function redisUserName(service) {
  return `payflow_${service}`;
}

/**
 * A service's own user as a line of an ACL file: its keys and its channels, and nobody else's.
 * @param {RedisUser} user
 */
export function redisUserLine({ service, password }) {
  const keys = `payflow:${service}:*`;
  // Before 7.0 a user begins with all channels, and a pattern after all is refused.
  return `user ${redisUserName(service)} reset resetchannels on >${password} ~${keys} &${keys} ${cacheCommands.map((name) => `+${name}`).join(' ')}`;
}

/**
 * The file with these users. Who names none may ask whether the server is there.
 * @param {string} dir @param {readonly RedisUser[]} users @returns {string}
 */
export function writeRedisUsers(dir, users) {
  const file = join(dir, 'users.acl');
  const lines = ['user default reset on nopass +ping', ...users.map(redisUserLine)];
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return file;
}

/**
 * The server's address as one of its users.
 * @param {string} url @param {RedisUser} user
 */
export function redisUrlAs(url, { service, password }) {
  return Object.assign(new URL(url), { username: redisUserName(service), password }).toString();
}
