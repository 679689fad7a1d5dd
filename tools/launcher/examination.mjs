import { existsSync, mkdirSync, statfsSync } from 'node:fs';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import { paths } from './checkout.mjs';
import { otherLauncher } from './left-overs.mjs';
import {
  cachedJaeger,
  closedToPostgres,
  findGo,
  findJava,
  findProgram,
  isPortFree,
  isRedisTooOld,
  kafkaVersion,
  messageOf,
  outputOf,
  portTable,
} from './local-stack.mjs';
import { holderOf } from './port-holders.mjs';

/** @typedef {{ level: 'ok' | 'note' | 'bad', name: string, found: string, mend?: string }} Finding */

const oldestNode = 20;
const neededDiskGb = 4;
const neededMemoryGb = 3;
const giga = 1024 ** 3;

/** Looks at all that `npm start` needs, and says how to mend what is not right. @returns {Promise<Finding[]>} */
export async function examine() {
  const programs = await Promise.all([node(), npm(), java(), maven(), go(), redis(), docker()]);
  return [platform(), ...programs, packages(), ...(await ports()), disk(), memory(), closedFolders(), running()];
}

/** @returns {Finding} */
function platform() {
  const name = `${process.platform} ${process.arch}`;
  const known = process.platform === 'linux' && process.arch === 'x64';
  return {
    level: known ? 'ok' : 'note',
    name: 'platform',
    found: `${name}, ${availableParallelism()} cores`,
    mend: 'only Linux x64 has been tried; bring servers of your own: npm start -- --services-only',
  };
}

/** @returns {Finding} */
function node() {
  const enough = Number.parseInt(process.versions.node, 10) >= oldestNode;
  return {
    level: enough ? 'ok' : 'bad',
    name: 'Node',
    found: `${process.version} runs this; the services run on 24, which npm brings`,
    mend: `install Node ${oldestNode} or newer`,
  };
}

/** @returns {Promise<Finding>} */
async function npm() {
  const version = await outputOf('npm', ['--version']);
  return version === null
    ? { level: 'bad', name: 'npm', found: 'not there', mend: 'install npm (it comes with Node)' }
    : { level: 'ok', name: 'npm', found: firstNumber(version) };
}

/** npm prints its warnings to the same place. @param {string} text */
function firstNumber(text) {
  return /^\d+\.\d+\.\d+\S*$/m.exec(text)?.[0] ?? text;
}

/** @returns {Finding | null} what is there already makes the tool that would bring it unnecessary */
function kafkaThere() {
  return existsSync(join(paths.state, 'cache', 'kafka', kafkaVersion))
    ? { level: 'ok', name: 'Maven', found: 'not needed: Kafka has been downloaded' }
    : null;
}

const ownKafka = 'KAFKA_BROKERS=host:9092 names a Kafka of your own instead';

/** @returns {Promise<Finding>} */
async function java() {
  const found = await findJava();
  if (found?.isTooOld === false) return { level: 'ok', name: 'Java', found: found.version };
  return {
    ...broughtByApt(),
    name: 'Java',
    found: found === null ? 'not there; Kafka needs it' : `${found.version} (${found.path}) is too old for Kafka`,
    mend: `${aptCommand('default-jre-headless maven')}; ${ownKafka}`,
  };
}

/** @returns {Promise<Finding>} */
async function maven() {
  const version = /Apache Maven (\S+)/.exec(stripVTControlCharacters((await outputOf('mvn', ['-v', '-B'])) ?? ''))?.[1];
  if (version !== undefined) return { level: 'ok', name: 'Maven', found: version };
  return (
    kafkaThere() ?? {
      ...broughtByApt(),
      name: 'Maven',
      found: 'not there; it downloads Kafka',
      mend: `${aptCommand('maven')}; ${ownKafka}`,
    }
  );
}

/** As root, apt-get is run without asking: then a missing package is no obstacle. @returns {{ level: 'note' | 'bad' }} */
function broughtByApt() {
  return { level: process.getuid?.() === 0 && findProgram('apt-get', ['/usr/bin']) !== undefined ? 'note' : 'bad' };
}

/** @param {string} packages */
function aptCommand(packages) {
  return process.getuid?.() === 0
    ? `npm start installs it (apt-get install ${packages})`
    : `sudo apt-get install -y ${packages}`;
}

/** @returns {Promise<Finding>} */
async function go() {
  if (cachedJaeger() !== null) return { level: 'ok', name: 'Go', found: 'not needed: Jaeger has been built' };
  try {
    return { level: 'ok', name: 'Go', found: (await outputOf(await findGo(), ['version'])) ?? '' };
  } catch (error) {
    return {
      level: 'note',
      name: 'Go',
      found: `${messageOf(error)}; without it the launcher keeps the traces itself`,
      mend: 'install Go',
    };
  }
}

/** @returns {Promise<Finding>} */
async function redis() {
  const version = /v=(\S+)/.exec((await outputOf('redis-server', ['--version'])) ?? '')?.[1];
  const found = version === undefined ? 'not there' : isRedisTooOld(version) ? `${version} is too old` : undefined;
  return { level: 'ok', name: 'Redis', found: found === undefined ? String(version) : `${found}; npm start brings it` };
}

/** @returns {Promise<Finding>} */
async function docker() {
  const version = await outputOf('docker', ['--version']);
  const engine = version === null ? null : await outputOf('docker', ['info', '--format', '{{.ServerVersion}}']);
  const found = version === null ? 'not there' : engine === null ? `${version}, but no engine runs` : version;
  return { level: 'ok', name: 'Docker', found: `${found} (only docker compose needs it)` };
}

/** @returns {Finding} */
function packages() {
  return {
    level: 'ok',
    name: 'packages',
    found: existsSync(paths.modules) ? 'installed' : 'not installed yet; npm start does it',
  };
}

/** @returns {Promise<Finding[]>} */
async function ports() {
  const launcher = otherLauncher(paths.run);
  if (launcher !== undefined) return [{ level: 'ok', name: 'ports', found: 'in use by PayFlow itself, which runs' }];
  /** @type {Finding[]} */
  const taken = [];
  for (const [name, port] of Object.entries(portTable)) {
    if (!(await isPortFree(port)))
      taken.push({
        level: 'note',
        name: 'ports',
        found: `${port} (${name}) is taken by ${holderOf(port)}`,
        mend: `stop that, or let npm start move ${name} to another port`,
      });
  }
  return taken.length > 0
    ? taken
    : [{ level: 'ok', name: 'ports', found: `${Object.values(portTable).join(', ')} are free` }];
}

/** @returns {Finding} */
function disk() {
  mkdirSync(paths.state, { recursive: true });
  const { bavail, bsize } = statfsSync(paths.state);
  const free = (bavail * bsize) / giga;
  return {
    level: free > neededDiskGb ? 'ok' : 'bad',
    name: 'disk',
    found: `${free.toFixed(1)} GB free`,
    mend: `free some: ${neededDiskGb} GB are needed (npm run reset -- --all removes PayFlow's own)`,
  };
}

/** @returns {Finding} */
function memory() {
  const total = totalmem() / giga;
  return {
    level: total >= neededMemoryGb ? 'ok' : 'note',
    name: 'memory',
    found: `${total.toFixed(1)} GB, ${(freemem() / giga).toFixed(1)} GB free`,
    mend: `five services and four servers want about ${neededMemoryGb} GB`,
  };
}

/** @returns {Finding} */
function closedFolders() {
  const closed = closedToPostgres(paths.state);
  if (closed === undefined) return { level: 'ok', name: 'folders', found: 'PostgreSQL can reach this checkout' };
  return {
    level: 'note',
    name: 'folders',
    found: `${closed} is closed to the user PostgreSQL runs as: its data will be under /var/lib/payflow`,
    mend: `nothing has to be done; chmod o+x ${closed} would keep all of it in the checkout`,
  };
}

/** @returns {Finding} */
function running() {
  const launcher = otherLauncher(paths.run);
  return {
    level: 'ok',
    name: 'PayFlow',
    found: launcher === undefined ? 'is not running' : `runs (launcher pid ${launcher.pid})`,
  };
}
