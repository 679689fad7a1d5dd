export { commonFields, commonRules, redisFields, type CommonConfiguration } from './configuration/common-fields.js';
export {
  ConfigurationError,
  configurationOrExit,
  configurationTable,
  defineConfiguration,
  readConfiguration,
  type Configuration,
  type ConfigurationOf,
  type Rule,
} from './configuration/configuration.js';
export type { Field, Fields, Values } from './configuration/field.js';
export {
  boolean,
  choice,
  credential,
  duration,
  durations,
  hosts,
  integer,
  port,
  ratio,
  secret,
  text,
  url,
  urls,
} from './configuration/kinds.js';
export { networks } from './configuration/networks.js';
export { Drain, type DrainPhase } from './drain.js';
export { Health, NotWell, type Check, type CheckLevel, type HealthReport } from './health.js';
export { refuseOtherMethods, refusesMethod } from './http/method-not-allowed.js';
export { limitConnections, type AddressLimit, type ConnectionLimits } from './http/connections.js';
export { BODY_BYTES_MAX } from './http/server-options.js';
export { tlsFields, tlsIdentity, tlsRule, type TlsIdentity } from './http/tls.js';
export { signInternalToken, verifyInternalToken, type InternalClaims } from './internal-token.js';
export { DATABASE, PlatformModule, REPORTS, type PlatformOptions } from './platform.module.js';
export { occurrence, problemCodeOf, ProblemFilter, sendProblem } from './problem/problem.filter.js';
export {
  Problem,
  PROBLEM_CONTENT_TYPE,
  problemBody,
  type FieldProblem,
  type ProblemOptions,
} from './problem/problem.js';
export { translate, unavailable } from './problem/translate.js';
export { StartUp, START_UP_ORDERS, type StartUpOrder } from './start-up.js';
export { runService, startService, type RunningService, type ServiceDefinition } from './run-service.js';
