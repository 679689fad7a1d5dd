import { spawn } from 'node:child_process';
import { closeSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

import { refuseWhenClosing } from './commands.mjs';
import { PartFailure, messageOf } from './failure.mjs';
import { lastWords, openLog, sizeOf } from './logs.mjs';
import { isPortFree } from './ports.mjs';
import { killProcess, removeRecord, startTimeOf, stopProcess, writeRecord } from './processes.mjs';
import { waitFor } from './ready.mjs';

/** @typedef {{ code: number | null, signal: NodeJS.Signals | null }} Exit */

/**
 * A server process that answers. The object is one process: start the part again on the same `dir` for the next one.
 * @typedef {object} Server
 * @property {string} name
 * @property {string} url
 * @property {number} pid
 * @property {Record<string, number>} ports
 * @property {string} logFile
 * @property {Promise<Exit>} exited  settles when the process is gone, whoever ended it
 * @property {() => Promise<void>} stop  orderly; insists with SIGKILL after the part's grace
 * @property {() => Promise<void>} kill  kill -9
 */

/**
 * @typedef {object} ServerSpec
 * @property {string} part  the part's name in messages
 * @property {string} name  file-safe; the pid record is `<runDir>/<name>-<pid>.json`
 * @property {string} command
 * @property {readonly string[]} args
 * @property {string} url
 * @property {Record<string, number>} ports
 * @property {string} logFile
 * @property {string} runDir
 * @property {() => Promise<boolean>} ready  the real condition: the server answers in its own protocol
 * @property {number} [readyWithinMs]
 * @property {NodeJS.Signals} [stopSignal]
 * @property {number} [graceMs]
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {{ uid: number, gid: number } | undefined} [user]
 * @property {'service' | 'server'} [role]
 * @property {string} [mend]
 */

/**
 * Starts a server in a session of its own, so that Ctrl-C in the terminal does not reach it before its clients have
 * drained, and returns once it is ready.
 * @param {ServerSpec} spec
 * @returns {Promise<Server>}
 */
export async function startServer(spec) {
  refuseWhenClosing(spec.part);
  await untilItsPortsAreFree(spec);
  const { child, exited, logFrom } = spawnDetached(spec);
  const pid = await pidOf(child, spec);
  const record = recordOf(spec, pid);
  await writeDown(spec, record);
  void exited.then(() => removeRecord(spec.runDir, record));

  const server = {
    name: spec.name,
    url: spec.url,
    pid,
    ports: spec.ports,
    logFile: spec.logFile,
    exited,
    stop: async () => {
      await stopProcess(record, record.graceMs);
      await exited;
    },
    kill: async () => {
      await killProcess(record);
      await exited;
    },
  };
  await untilReady(spec, server, logFrom);
  return server;
}

const portsFreeWithinMs = 3_000;

/**
 * Who listens there would answer that it is ready, for a server that cannot even listen. One that was killed just now may hold them
 * for a moment.
 * @param {ServerSpec} spec
 */
async function untilItsPortsAreFree({ part, ports }) {
  const areFree = async () => (await Promise.all(Object.values(ports).map(isPortFree))).every(Boolean);
  await waitFor(areFree, { withinMs: portsFreeWithinMs, what: part }).catch(() => {
    throw new PartFailure(part, `its port is taken by somebody else (${Object.values(ports).join(', ')})`, {
      mend: 'npm run doctor tells by whom; the next start takes other ports',
    });
  });
}

/**
 * What is written down nowhere, nobody would find again: on a full disk it would go on for ever, on its port and its data.
 * @param {ServerSpec} spec @param {import('./processes.mjs').ProcessRecord} record
 */
async function writeDown(spec, record) {
  try {
    writeRecord(spec.runDir, record);
  } catch (error) {
    await killProcess(record);
    throw new PartFailure(spec.part, `cannot be written down in ${spec.runDir} (${messageOf(error)})`, {
      mend: 'npm run doctor tells whether the disk is full',
    });
  }
}

/** @param {ServerSpec} spec @param {number} pid @returns {import('./processes.mjs').ProcessRecord} */
function recordOf(spec, pid) {
  return {
    name: spec.name,
    pid,
    startTime: startTimeOf(pid) ?? '',
    stopSignal: spec.stopSignal ?? 'SIGTERM',
    graceMs: spec.graceMs ?? 10_000,
    role: spec.role ?? 'server',
    ports: spec.ports,
  };
}

/** @param {ServerSpec} spec */
function spawnDetached(spec) {
  mkdirSync(dirname(spec.logFile), { recursive: true });
  const log = openLog(spec.logFile);
  const logFrom = sizeOf(spec.logFile);
  const child = spawn(spec.command, [...spec.args], {
    cwd: spec.cwd,
    env: spec.env ?? process.env,
    stdio: ['ignore', log, log],
    detached: true,
    ...spec.user,
  });
  closeSync(log);
  /** @type {Promise<Exit>} */
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  return { child, exited, logFrom };
}

/** @param {import('node:child_process').ChildProcess} child @param {ServerSpec} spec @returns {Promise<number>} */
function pidOf(child, spec) {
  if (child.pid !== undefined) return Promise.resolve(child.pid);
  return new Promise((_resolve, reject) =>
    child.once('error', (error) =>
      reject(new PartFailure(spec.part, `cannot run ${spec.command} (${error.message})`, { mend: spec.mend })),
    ),
  );
}

/** @param {ServerSpec} spec @param {Server} server @param {number} logFrom  where this process's own log lines start */
async function untilReady(spec, server, logFrom) {
  /** @type {Exit | undefined} */
  let exit;
  void server.exited.then((how) => (exit = how));
  try {
    await waitFor(spec.ready, {
      withinMs: spec.readyWithinMs ?? 30_000,
      what: spec.part,
      cancelled: () => exit !== undefined,
    });
    if (exit !== undefined) throw new Error(`ended while starting (${describeExit(exit)})`);
  } catch (error) {
    await server.kill();
    const said = lastWords(spec.logFile, logFrom);
    throw new PartFailure(spec.part, said === '' ? messageOf(error) : `${messageOf(error)}: ${said}`, {
      logFile: spec.logFile,
      mend: spec.mend,
    });
  }
}

/** @param {Exit} exit @returns {string} */
export function describeExit({ code, signal }) {
  return signal === null ? `exit code ${code}` : `killed by ${signal}`;
}
