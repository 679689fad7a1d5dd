/**
 * The second half of `npm run build`: each program with all that it loads, in a few files under `dist`. To find, read and link two
 * thousand small files takes a service longer than everything else that it does until it is ready.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decode, encode } from '@jridgewell/sourcemap-codec';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'dist');
const stamp = join(out, 'built-from.json');

/** Each service, the sandbox and the operator's tool, by the name of its folder. */
const programs = () =>
  Object.fromEntries(
    globSync('{apps/*,tools/payflow}/dist/main.js', { cwd: root }).map((main) => [basename(join(main, '../..')), main]),
  );

/** Compiled files of ours, data that they load, and what says where a library's are; those of benchmarks and tests aside. */
const COMPILED = ['{apps,libs,tools/payflow}/**/dist/**/*.{js,json}', '{apps/*,libs/*,tools/payflow}/package.json'];
const ASIDE = ['node_modules', 'bench', 'e2e', 'testing'];
const isTheirs = (/** @type {string} */ path) => path.includes('node_modules');
const ours = () => globSync(COMPILED, { cwd: root, exclude: (path) => ASIDE.includes(basename(path)) }).sort();

/** What is loaded from its own folder: TypeORM asks for `pg` by a name that it only knows when it runs, and the others are for development. */
const LEFT_OUT = [/^pg(\/|$)/, '@redocly/openapi-core', 'typescript'];

/** A package may ask for what is not installed, where it can do without; what is ours may not. */
function passOverAbsent(
  /** @type {import('rolldown').LogLevel} */ level,
  /** @type {import('rolldown').RollupLog} */ log,
  /** @type {(level: import('rolldown').LogLevel, log: import('rolldown').RollupLog) => void} */ report,
) {
  if (log.code !== 'UNRESOLVED_IMPORT') report(level, log);
  else if (!isTheirs(log.id ?? '')) throw new Error(log.message);
}

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
  // A line without anything is taken for the last before it that has something: where theirs begin, it is said that this is nobody's.
  let isLastOurs = false;
  const kept = decode(map.mappings).map((line) => {
    const first = line.find((segment) => segment.length > 1 && !isTheirs(map.sources[segment[1] ?? 0] ?? ''));
    const endsOurs = isLastOurs && !first && line.length > 0;
    if (line.length > 0) isLastOurs = first !== undefined;
    if (first) return [/** @type {[number, number, number, number]} */ ([0, ...first.slice(1, 4)])];
    return endsOurs ? [/** @type {[number]} */ ([0])] : [];
  });
  if (kept.every(({ length }) => length === 0)) return undefined;
  const sources = map.sources.map((source) => (isTheirs(source) ? '' : source));
  return JSON.stringify({ version: 3, file: basename(fileName), sources, names: [], mappings: encode(kept) });
}

/** What npm has installed, by npm. */
const INSTALLED = join('node_modules', '.package-lock.json');

/** Changes with whatever goes into the programs. */
function fingerprint() {
  const hash = createHash('sha256');
  for (const path of [...ours(), INSTALLED, relative(root, fileURLToPath(import.meta.url))]) {
    const { size, mtimeMs } = statSync(join(root, path));
    hash.update(`${path} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/** A migration is known by its name: one that another in the same file has as well would be taken for another migration. */
const RENAMED_MIGRATION = /\b\w+\d{13}\$\d+\b/;

/** Whole or as it was: somebody may be starting it. @param {string} path @param {string} text */
function put(path, text) {
  writeFileSync(`${path}.${process.pid}`, text);
  renameSync(`${path}.${process.pid}`, path);
}

/** @param {import('rolldown').OutputChunk} chunk */
function putChunk(chunk) {
  const renamed = RENAMED_MIGRATION.exec(chunk.code);
  if (renamed) throw new Error(`${renamed[0]}: two migrations of that name`);
  const map = linesOfOurs(chunk);
  const path = join(out, chunk.fileName);
  if (map !== undefined) put(`${path}.map`, map);
  put(path, chunk.code + (map === undefined ? '' : `//# sourceMappingURL=${basename(path)}.map\n`));
}

/** @returns {{ from?: string, files: string[] }} what the programs that are there were made of, and their files */
function before() {
  return existsSync(stamp) ? JSON.parse(readFileSync(stamp, 'utf8')) : { files: [] };
}

async function bundle() {
  const from = fingerprint();
  const last = before();
  if (last.from === from) return;
  const built = await rolldown({
    input: programs(),
    cwd: root,
    platform: 'node',
    external: LEFT_OUT,
    plugins: [withSourceMaps],
    onLog: passOverAbsent,
  });
  const { output } = await built.generate({
    dir: out,
    format: 'esm',
    sourcemap: 'hidden',
    entryFileNames: '[name].mjs',
    chunkFileNames: 'parts/[name]-[hash].mjs',
  });
  await built.close();
  const chunks = output.filter((file) => file.type === 'chunk');
  mkdirSync(join(out, 'parts'), { recursive: true });
  // Parts are named by what is in them: a program that is starting finds those of its build beside those of the next.
  for (const chunk of chunks.filter(({ isEntry }) => !isEntry)) putChunk(chunk);
  for (const chunk of chunks.filter(({ isEntry }) => isEntry)) putChunk(chunk);
  const files = chunks.map(({ fileName }) => basename(fileName));
  put(stamp, JSON.stringify({ from, files }));
  const needed = new Set([...files, ...last.files].flatMap((file) => [file, `${file}.map`]));
  for (const file of readdirSync(join(out, 'parts'))) if (!needed.has(file)) rmSync(join(out, 'parts', file));
}

await bundle();
