export { PartFailure, messageOf } from './failure.mjs';
export { choosePorts, freePorts, isPortFree, portTable } from './ports.mjs';
export {
  ensureKafka,
  findJava,
  kafkaVersion,
  recordKafkaClasses,
  startKafka,
  startKafkaCluster,
} from './kafka/index.mjs';
export { closedToPostgres, ensurePostgres, removeServerFolder, startPostgres } from './postgres/index.mjs';
export { ensureRedis, isTooOld as isRedisTooOld, startRedis } from './redis/index.mjs';
export { redisUrlAs, redisUserLine } from './redis/users.mjs';
export { makeCertificates, startSecuredKafka, startSecuredPostgres, startSecuredRedis } from './secured/index.mjs';
export { cachedJaeger, ensureJaeger, findGo, jaegerVersion, startJaeger } from './jaeger/index.mjs';
export { checkoutDir, defaultRoot, secretIn } from './provision.mjs';
export { endCommands, findProgram, outputOf, recordCommandsIn, runLogged, runShown } from './commands.mjs';
export { lastLines, lastWords, openLog, sizeOf } from './logs.mjs';
export {
  isForbidden,
  isRunning,
  killProcess,
  killRecorded,
  readRecords,
  removeRecord,
  startTimeOf,
  stopProcess,
  stopRecorded,
  writeRecord,
} from './processes.mjs';
export { canConnect, waitFor } from './ready.mjs';
export { describeExit, startServer } from './server.mjs';
export { programOf, serviceNodeArgs } from './service-node.mjs';

/** @typedef {import('./server.mjs').Server} Server */
/** @typedef {import('./kafka/index.mjs').KafkaCluster} KafkaCluster */
/** @typedef {import('./processes.mjs').ProcessRecord} ProcessRecord */
/** @typedef {import('./ports.mjs').PortName} PortName */
