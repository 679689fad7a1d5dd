export { Cache, type CacheOptions } from './cache.js';
export { RedisConnection, type Redis } from './redis.js';
export { Wake, type WakeListener } from './wake.js';
