/** Configuration alone, for a process that is no service: it loads neither Nest nor a database. */
export { configurationOrExit, defineConfiguration, type Configuration, type ConfigurationOf } from './configuration.js';
export type { Field } from './field.js';
export { choice, duration, ratio, secret, text, url } from './kinds.js';
export { serverFields, telemetryFields } from './process-fields.js';
