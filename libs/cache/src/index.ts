export { Caches, type CachesOptions } from './caches.js';
export { jsonCodec, type Codec } from './codec.js';
export { type AnsweredBy, type Family, type MemoryLimits } from './family.js';
export { LayeredCache, type Answer } from './layered-cache.js';
export { DAY_MS, HOUR_MS, LONG_MS, MEDIUM_MS, SHORT_MS } from './lives.js';
export { LoadLimit, type LoadLimitOptions } from './load-limit.js';
export { RedisConnection, type Redis } from './redis.js';
export { Wake, type WakeListener } from './wake.js';
export { WriteBehind, type WriteBehindOptions } from './write-behind.js';
