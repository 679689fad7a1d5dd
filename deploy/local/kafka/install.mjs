import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { findProgram, outputOf, runLogged } from '../commands.mjs';
import { PartFailure } from '../failure.mjs';
import { freePorts } from '../ports.mjs';
import { defaultRoot, installSystemPackages, provisioned } from '../provision.mjs';
import { runBroker } from './broker.mjs';

export const kafkaVersion = '4.3.1';
const log4jVersion = '2.25.4';
const oldestJava = 17;

/** @typedef {{ java: string, classpath: string, archive: string, version: string }} KafkaInstall */

/**
 * Kafka's jars by Maven coordinates (Maven checks each against its checksum), and the place of the
 * class-data archive that `recordKafkaClasses` makes.
 * @param {import('../provision.mjs').EnsureOptions} [options]
 * @returns {Promise<KafkaInstall>}
 */
export async function ensureKafka({ root = defaultRoot, onProgress } = {}) {
  const java = await ensureJava(root, onProgress);
  const dir = join(root, 'cache', 'kafka', kafkaVersion);
  await provisioned({
    dir,
    wanted: { version: kafkaVersion, log4j: log4jVersion },
    build: async (into) => {
      onProgress?.(`downloading Apache Kafka ${kafkaVersion} with Maven`);
      await downloadJars(root, into, onProgress);
      return { jars: fingerprint(join(into, 'libs')) };
    },
  });
  return {
    java: java.path,
    classpath: classpathOf(join(dir, 'libs')),
    archive: archiveFor(dir, java.version),
    version: kafkaVersion,
  };
}

/** @param {string} root @param {((message: string) => void) | undefined} onProgress */
async function ensureJava(root, onProgress) {
  const found = await findJava();
  if (found?.isTooOld === false) return found;
  await installSystemPackages({ part: 'Kafka', packages: ['default-jre-headless', 'maven'], root, onProgress });
  const installed = await findJava();
  if (installed?.isTooOld === false) return installed;
  const there = installed === null ? '' : `, and ${installed.path} is ${installed.version}`;
  throw new PartFailure('Kafka', `needs Java ${oldestJava} or newer${there}`, {
    mend: `install a Java runtime ${oldestJava}+, and put it on the PATH or name it by JAVA_HOME`,
  });
}

/**
 * The Java of JAVA_HOME or the one on the PATH: the first that is new enough for Kafka, else the first.
 * @returns {Promise<{ path: string, version: string, isTooOld: boolean } | null>}
 */
export async function findJava() {
  const home = process.env['JAVA_HOME'];
  const places = [findProgram('java', home === undefined ? [] : [join(home, 'bin')]), findProgram('java')];
  const found = await Promise.all([...new Set(places)].flatMap((path) => (path === undefined ? [] : [javaAt(path)])));
  return found.find(({ isTooOld }) => !isTooOld) ?? found[0] ?? null;
}

/** @param {string} path */
async function javaAt(path) {
  const version = /version "([^"]+)"/.exec((await outputOf(path, ['-version'])) ?? '')?.[1] ?? '';
  return { path, version, isTooOld: !(Number.parseInt(version, 10) >= oldestJava) };
}

/** @param {string} root @param {string} into @param {((message: string) => void) | undefined} onProgress */
async function downloadJars(root, into, onProgress) {
  if (findProgram('mvn') === undefined)
    await installSystemPackages({ part: 'Kafka', packages: ['maven'], root, onProgress });
  writeFileSync(join(into, 'pom.xml'), pom());
  await runLogged({
    part: 'Kafka',
    command: 'mvn',
    args: ['-B', '-C', 'dependency:copy-dependencies', `-DoutputDirectory=${join(into, 'libs')}`],
    cwd: into,
    logFile: join(root, 'logs', 'kafka-download.log'),
    mend: 'check that Maven can reach its repository (proxy, ~/.m2/settings.xml), then start again',
  });
}

function pom() {
  const dependency = (/** @type {string} */ group, /** @type {string} */ artifact, /** @type {string} */ version) =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  return [
    '<project><modelVersion>4.0.0</modelVersion><groupId>payflow</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>',
    `<dependencies>${dependency('org.apache.kafka', 'kafka_2.13', kafkaVersion)}`,
    `${dependency('org.apache.logging.log4j', 'log4j-slf4j-impl', log4jVersion)}</dependencies></project>`,
  ].join('\n');
}

/** @param {string} libs */
function jarsIn(libs) {
  return readdirSync(libs)
    .filter((file) => file.endsWith('.jar'))
    .sort();
}

/** @param {string} libs @returns {string} in a fixed order: a class-data archive is good for one class path only */
function classpathOf(libs) {
  return jarsIn(libs)
    .map((jar) => join(libs, jar))
    .join(':');
}

/** @param {string} libs */
function fingerprint(libs) {
  return createHash('sha256').update(jarsIn(libs).join('\n')).digest('hex');
}

/** @param {string} dir @param {string} javaVersion */
function archiveFor(dir, javaVersion) {
  return join(dir, `classes-${javaVersion.replace(/[^\w.]/g, '_')}.jsa`);
}

/**
 * Starts a broker on nothing and stops it again, with Java writing down the classes it loaded: later starts take 0.9 s
 * instead of 1.4 s. Worth its five seconds only when nobody waits for them.
 * @param {{ root?: string, runDir?: string }} [options]  `runDir`: where the broker's pid record is written
 */
export async function recordKafkaClasses({ root = defaultRoot, runDir } = {}) {
  const install = await ensureKafka({ root });
  if (existsSync(install.archive)) return;
  const scratch = join(root, 'cache', 'kafka', 'recording');
  const recording = `${install.archive}.${process.pid}.new`;
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  try {
    const [broker = 0, controller = 0] = await freePorts(2);
    const server = await runBroker({
      install,
      dir: scratch,
      runDir: runDir ?? scratch,
      ports: { broker, controller },
      profile: 'test',
      recordClassesTo: recording,
    });
    await server.stop();
    renameSync(recording, install.archive);
  } catch {
    // Only speed is lost, and the next start tries again.
  } finally {
    rmSync(recording, { force: true });
    rmSync(scratch, { recursive: true, force: true });
  }
}
