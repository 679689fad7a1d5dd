/**
 * The second half of `npm run build`: each program with all that it loads, in a few files under `dist`. To find, read and link two
 * thousand small files takes a service longer than everything else that it does until it is ready.
 */
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decode, encode } from '@jridgewell/sourcemap-codec';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'dist');
const stamp = join(out, 'built-from');

/** Each service, the sandbox and the operator's tool, by the name of its folder. */
const programs = () =>
  Object.fromEntries(
    globSync('{apps/*,tools/payflow}/dist/main.js', { cwd: root }).map((main) => [basename(join(main, '../..')), main]),
  );

/** Compiled files of ours, those of benchmarks and tests aside. */
const COMPILED = '{apps,libs,tools/payflow}/**/dist/**/*.js';
const isTheirs = (/** @type {string} */ path) => path.includes('node_modules');
const ours = () => globSync(COMPILED, { cwd: root, exclude: (path) => path === 'node_modules' }).sort();

/** What is loaded from its own folder: TypeORM asks for `pg` by a name that it only knows when it runs, and the others are for development. */
const LEFT_OUT = [/^pg(\/|$)/, '@redocly/openapi-core', 'typescript'];
/** Asked for by a package only where it is installed, which it is not. */
const isAbsent = (/** @type {import('rolldown').RollupLog} */ { code, id }) =>
  code === 'UNRESOLVED_IMPORT' && id !== undefined && isTheirs(id);

/** What is compiled of ours comes with the way back to its source. */
const withSourceMaps = {
  name: 'source-maps',
  /** @param {string} id */
  load(id) {
    if (isTheirs(id) || !existsSync(`${id}.map`)) return null;
    return { code: readFileSync(id, 'utf8'), map: JSON.parse(readFileSync(`${id}.map`, 'utf8')) };
  },
};

/**
 * Node reads the whole map of a file when it loads it, and unfolds it at the first error: lines of our own are all that anybody
 * looks for in a stack.
 * @param {import('rolldown').OutputChunk} chunk @returns {string | undefined}
 */
function linesOfOurs({ map, fileName }) {
  if (!map) return undefined;
  const kept = decode(map.mappings).map((line) => {
    const first = line.find((segment) => segment.length > 1 && !isTheirs(map.sources[segment[1] ?? 0] ?? ''));
    return first ? [/** @type {[number, number, number, number]} */ ([0, ...first.slice(1, 4)])] : [];
  });
  if (kept.every(({ length }) => length === 0)) return undefined;
  const sources = map.sources.map((source) => (isTheirs(source) ? '' : source));
  return JSON.stringify({ version: 3, file: basename(fileName), sources, names: [], mappings: encode(kept) });
}

/** Changes with whatever goes into the programs. */
function fingerprint() {
  const hash = createHash('sha256');
  for (const path of [...ours(), 'package-lock.json', relative(root, fileURLToPath(import.meta.url))]) {
    const { size, mtimeMs } = statSync(join(root, path));
    hash.update(`${path} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/** @param {string} folder @param {import('rolldown').OutputChunk} chunk */
function writeChunk(folder, chunk) {
  const map = linesOfOurs(chunk);
  const path = join(folder, chunk.fileName);
  if (map !== undefined) writeFileSync(`${path}.map`, map);
  const way = map === undefined ? '' : `//# sourceMappingURL=${basename(path)}.map\n`;
  writeFileSync(path, chunk.code + way);
}

async function bundle() {
  const builtFrom = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === builtFrom) return;
  const built = await rolldown({
    input: programs(),
    cwd: root,
    platform: 'node',
    external: LEFT_OUT,
    plugins: [withSourceMaps],
    onLog: (level, log, report) => (isAbsent(log) ? undefined : report(level, log)),
  });
  // Beside the place first: whoever is started meanwhile finds the files of one build, and not of two.
  const [made, old] = [`${out}.${process.pid}`, `${out}.${process.pid}.old`];
  mkdirSync(join(made, 'parts'), { recursive: true });
  const { output } = await built.generate({
    dir: out,
    format: 'esm',
    sourcemap: 'hidden',
    entryFileNames: '[name].mjs',
    chunkFileNames: 'parts/[name]-[hash].mjs',
  });
  await built.close();
  for (const file of output) if (file.type === 'chunk') writeChunk(made, file);
  writeFileSync(join(made, 'built-from'), builtFrom);
  if (existsSync(out)) renameSync(out, old);
  renameSync(made, out);
  rmSync(old, { recursive: true, force: true });
}

await bundle();
