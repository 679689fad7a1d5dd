export { testBroker, testServers, type TestServers } from './servers.js';
export { createTestDatabase, openSpecPool, provisionTestDatabase, type TestDatabase } from './database.js';
export { createTestTopics, uniqueSuffix } from './topics.js';
export {
  Sandbox,
  startSandbox,
  type SandboxCheck,
  type SandboxDispute,
  type SandboxOptions,
  type SandboxPage,
  type SandboxStanding,
  type SandboxRequests,
  type SandboxScenario,
  type SandboxSettings,
} from './sandbox.js';
export { startStandby, type Standby, type StandbyOptions } from './standby.js';
export { selfSigned, type SelfSigned } from './self-signed.js';
export { TcpProxy } from './tcp-proxy.js';
export { trustAuthority } from './trust.js';
export { costOf, type Cost } from './query-plan.js';
export { statementsOf } from './statement-count.js';
export { until } from './until.js';
export {
  ReaderKit,
  accountRejected,
  paymentSweep,
  effectHandler,
  markingHandler,
  openAccount,
  paymentCommand,
  recordOf,
  testMessage,
  type Effect,
  type PositionRow,
  type Sent,
} from './reader-kit.js';
