import {
  copyFileSync,
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { findProgram, outputOf, runLogged } from '../commands.mjs';
import { PartFailure } from '../failure.mjs';
import { freePorts } from '../ports.mjs';
import { checkoutDir, defaultRoot, provisioned, readStamp, runDirFor } from '../provision.mjs';
import { startServer } from '../server.mjs';

export const jaegerVersion = 'v1.76.0';
const jaegerModule = 'github.com/jaegertracing/jaeger';
// The first Go that fetches the tool chain a module asks for by itself.
const oldestGo = 21;

/** @param {string} root */
const folderIn = (root) => join(root, 'cache', 'jaeger', jaegerVersion);

/**
 * The Jaeger program if it has been built before; null if a build would be needed.
 * @param {{ root?: string }} [options]
 * @returns {string | null}
 */
export function cachedJaeger({ root = defaultRoot } = {}) {
  const program = join(folderIn(root), 'jaeger');
  return readStamp(folderIn(root))?.['version'] === jaegerVersion && existsSync(program) ? program : null;
}

/**
 * Builds Jaeger's all-in-one from the Go module proxy (Go checks each module against its checksum): about two and a
 * half minutes on two cores, once. `niceness` makes the build yield to everything else.
 * @param {import('../provision.mjs').EnsureOptions & { niceness?: number }} [options]
 * @returns {Promise<string>} the program
 */
export async function ensureJaeger({ root = defaultRoot, onProgress, niceness = 0 } = {}) {
  const cached = cachedJaeger({ root });
  if (cached !== null) return cached;
  const go = await findGo();
  const { dir } = await provisioned({
    dir: folderIn(root),
    wanted: { version: jaegerVersion },
    build: async (into) => {
      const sum = await build({ go, root, into, onProgress, niceness });
      chmodSync(join(into, 'jaeger'), 0o755);
      return { sum, go: (await outputOf(go, ['version'])) ?? '' };
    },
  });
  return join(dir, 'jaeger');
}

/** @returns {Promise<string>} */
export async function findGo() {
  const go = findProgram('go', ['/usr/local/go/bin']);
  const minor = Number(/go1\.(\d+)/.exec(go === undefined ? '' : ((await outputOf(go, ['version'])) ?? ''))?.[1] ?? 0);
  if (go !== undefined && minor >= oldestGo) return go;
  throw new PartFailure(
    'Jaeger',
    `is built here with Go 1.${oldestGo} or newer, and ${go === undefined ? 'there is none' : `this is 1.${minor}`}`,
    {
      mend: 'install Go, or name a Jaeger: OTEL_EXPORTER_OTLP_ENDPOINT=http://host:4318 JAEGER_UI_URL=http://host:16686 npm start',
    },
  );
}

/**
 * `go install` refuses modules with replace directives, so a module of our own takes over Jaeger's requirements and
 * replacements, and builds Jaeger as its dependency.
 * @param {{ go: string, root: string, into: string, niceness: number,
 *   onProgress: ((message: string) => void) | undefined }} options
 * @returns {Promise<string>} the module's checksum
 */
async function build({ go, root, into, onProgress, niceness }) {
  // Kept after a failure, so that the next try goes on from there; 1.7 GB that nobody needs after a success.
  const work = join(root, 'cache', 'jaeger', 'work');
  const source = join(work, 'source');
  mkdirSync(source, { recursive: true });
  const env = {
    ...process.env,
    GOMODCACHE: join(work, 'modules'),
    GOCACHE: join(work, 'objects'),
    GOFLAGS: '-modcacherw',
    GOWORK: 'off',
    CGO_ENABLED: '0',
  };
  onProgress?.(`downloading Jaeger ${jaegerVersion}`);
  const module = await download(go, source, env);
  writeModule(source, module);
  onProgress?.(`building Jaeger ${jaegerVersion} (about 150 s of two cores)`);
  await runLogged({
    part: 'Jaeger',
    command: go,
    args: ['build', '-trimpath', '-ldflags', '-s -w', '-o', join(into, 'jaeger'), `${jaegerModule}/cmd/all-in-one`],
    cwd: source,
    env,
    niceness,
    logFile: join(root, 'logs', 'jaeger-build.log'),
  });
  rmSync(work, { recursive: true, force: true });
  return module.Sum;
}

/** @typedef {{ Dir: string, Sum: string, GoModSum: string }} Module */

/** @param {string} go @param {string} cwd @param {NodeJS.ProcessEnv} env @returns {Promise<Module>} */
async function download(go, cwd, env) {
  const text = await outputOf(go, ['mod', 'download', '-json', `${jaegerModule}@${jaegerVersion}`], {
    cwd,
    env,
    withinMs: 180_000,
  });
  const start = text?.indexOf('{') ?? -1;
  if (text === null || start === -1) {
    throw new PartFailure('Jaeger', 'its module cannot be downloaded', {
      mend: 'check that Go can reach its module proxy (go env GOPROXY), then start again',
    });
  }
  return JSON.parse(text.slice(start, text.lastIndexOf('}') + 1));
}

/** @param {string} source @param {Module} module */
function writeModule(source, module) {
  const requirements = readFileSync(join(module.Dir, 'go.mod'), 'utf8').replace(
    /^module .*$/m,
    'module payflow.invalid/jaeger',
  );
  writeFileSync(join(source, 'go.mod'), `${requirements}\nrequire ${jaegerModule} ${jaegerVersion}\n`);
  rmSync(join(source, 'go.sum'), { force: true });
  copyFileSync(join(module.Dir, 'go.sum'), join(source, 'go.sum'));
  chmodSync(join(source, 'go.sum'), 0o644);
  appendFileSync(
    join(source, 'go.sum'),
    `${jaegerModule} ${jaegerVersion} ${module.Sum}\n${jaegerModule} ${jaegerVersion}/go.mod ${module.GoModSum}\n`,
  );
}

// About 60 spans each: some 200 MB at the very most.
const tracesKept = 5_000;

/**
 * Jaeger all-in-one with its store in memory and our trace page. `url` is the page's and the query API's address; OTLP
 * over HTTP is at `ports.otlpHttp`, Jaeger's own Thrift over HTTP at `ports.jaegerThrift`.
 * @param {object} options
 * @param {string} options.dir
 * @param {{ otlpHttp: number, jaegerUi: number, jaegerThrift: number }} [options.ports]  free ones by default
 * @param {string} [options.root]
 * @param {string} [options.runDir]  where the pid record is written; see `runDirFor`
 * @param {string} [options.logFile]
 * @returns {Promise<import('../server.mjs').Server>}
 */
export async function startJaeger({
  dir,
  ports,
  root = defaultRoot,
  runDir = runDirFor(dir),
  logFile = join(dir, 'jaeger.log'),
}) {
  const program = await ensureJaeger({ root });
  mkdirSync(dir, { recursive: true });
  const [a = 0, b = 0, c = 0, adminPort = 0] = await freePorts(4);
  const chosen = ports ?? { otlpHttp: a, jaegerUi: b, jaegerThrift: c };
  const url = `http://127.0.0.1:${chosen.jaegerUi}`;
  return startServer({
    part: 'Jaeger',
    name: 'jaeger',
    command: program,
    args: jaegerFlags(chosen, adminPort),
    // Only for its child processes' sake does Jaeger read more of the environment; the store is named here.
    env: { ...process.env, SPAN_STORAGE_TYPE: 'memory' },
    url,
    ports: chosen,
    logFile,
    runDir,
    ready: async () => (await fetch(`${url}/api/services`)).ok && (await otlpAnswers(chosen.otlpHttp)),
    // An orderly stop takes it ten seconds, and saves nothing: its store is in memory.
    stopSignal: 'SIGKILL',
  });
}

/** @param {number} port */
async function otlpAnswers(port) {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"resourceSpans":[]}',
  });
  return answer.ok;
}

/** @param {{ otlpHttp: number, jaegerUi: number, jaegerThrift: number }} ports @param {number} adminPort */
function jaegerFlags(ports, adminPort) {
  const at = (/** @type {number} */ port) => `127.0.0.1:${port}`;
  return [
    `--collector.otlp.http.host-port=${at(ports.otlpHttp)}`,
    `--collector.http-server.host-port=${at(ports.jaegerThrift)}`,
    `--query.http-server.host-port=${at(ports.jaegerUi)}`,
    `--admin.http.host-port=${at(adminPort)}`,
    // Not used by us: any port will do, and nobody else's is taken.
    `--collector.otlp.grpc.host-port=${at(0)}`,
    `--collector.grpc-server.host-port=${at(0)}`,
    `--query.grpc-server.host-port=${at(0)}`,
    `--query.static-files=${join(checkoutDir, 'deploy', 'jaeger', 'ui')}`,
    `--memory.max-traces=${tracesKept}`,
    '--log-level=warn',
  ];
}
