import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** From PyPI; the checks below are those of this version. */
const VERSION = '4.32.5';
const CACHE = join(process.cwd(), '.payflow', 'cache');
const TOOLS = join(CACHE, `schemathesis-${VERSION}`);
const CONFIGURATION = join(process.cwd(), 'apps', 'e2e', 'src', 'conformance', 'schemathesis.toml');
/** Of what is asked at random. */
const RANDOM_PARTS = 3;
/** Before 3.13 a race between its threads ends some of them with a SystemError (CPython 106905). */
const PYTHONS = ['python3.14', 'python3.13', 'python3'];
/** They end what the others need, the key that is asked with or all that there is: after those, and one by one. */
const ENDING = ['rotateApiKey', 'revokeApiKey', 'resetTestMode'];
/**
 * All but two: that every request which fits its schema is accepted is not promised (an account has to be there, and money on
 * it), and what was made is found under ids of its own, which the check for use after deletion does not know.
 */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'missing_required_header',
  'unsupported_method',
  'allow_header_conformance',
  'ignored_auth',
  'ensure_resource_availability',
];

export interface SchemathesisRun {
  readonly base: string;
  readonly apiKey: string;
  readonly examples: number;
  readonly seed: number;
  readonly say: (line: string) => void;
  /** Ids of those to ask. */
  readonly operations: readonly string[];
  /** Whether `edges`, `stateful` or `random` is played. */
  readonly plays: (part: string) => boolean;
}

/**
 * Lets Schemathesis ask everything that the served document describes: its examples, its edges, at random, one upon another. Its
 * phases stand side by side, and what is asked at random in parts: one process of it keeps one core busy, and not the gateway.
 */
export async function playSchemathesis(asked: SchemathesisRun): Promise<void> {
  const program = await installed(asked.say);
  const chosen = asked.operations.filter((id) => !ENDING.includes(id));
  const part = (name: string, phases: string, ids: readonly string[]): Part => ({ name, phases, ids });
  const random = Array.from({ length: RANDOM_PARTS }, (_, at) =>
    part(
      'random',
      'fuzzing',
      chosen.filter((_id, place) => place % RANDOM_PARTS === at),
    ),
  );
  const parts = [part('edges', 'examples,coverage', chosen), part('stateful', 'stateful', chosen), ...random];
  const played = parts.filter(({ name }) => asked.plays(name));
  const found = await Promise.all(played.map((one) => isFaulty(program, asked, one)));
  for (const id of ENDING.filter((one) => asked.operations.includes(one)))
    found.push(await isFaulty(program, asked, part('ending', 'examples,coverage,fuzzing', [id])));
  const faulty = found.filter(Boolean).length;
  if (faulty > 0) throw new Error(`Schemathesis found faults, in ${faulty} of ${found.length} parts`);
}

interface Part {
  readonly name: string;
  readonly phases: string;
  readonly ids: readonly string[];
}

async function isFaulty(
  program: string,
  { base, apiKey, examples, seed, say }: SchemathesisRun,
  { phases, ids }: Part,
): Promise<boolean> {
  if (ids.length === 0) return false;
  const startedAt = performance.now();
  const lines: string[] = [];
  const code = await run(
    program,
    [
      ...['--config-file', CONFIGURATION, 'run'],
      `${base}/docs/openapi.json`,
      ...ids.flatMap((id) => ['--include-operation-id', id]),
      ...['--checks', CHECKS.join(',')],
      ...['--phases', phases],
      ...['--mode', 'all', '--max-examples', String(examples), '--seed', String(seed)],
      ...['--workers', '1', '--continue-on-failure', '--output-sanitize', 'true', '--no-color'],
      ...['--suppress-health-check', 'all', '--warnings', 'off', '--request-timeout', '30'],
      ...['--header', `Authorization: Bearer ${apiKey}`],
      // What nobody waits for is answered at once.
      ...['--header', 'Prefer: wait=0'],
    ],
    (text) => lines.push(text),
  );
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  say(`Schemathesis, ${phases}, ${ids.length} operations: ended with ${code} after ${seconds} s\n${lines.join('\n')}`);
  return code !== 0;
}

/** The program, brought into a folder of its own where it is not there yet. */
async function installed(say: (line: string) => void): Promise<string> {
  const program = join(TOOLS, 'bin', 'st');
  if (existsSync(program)) return program;
  say(`bringing Schemathesis ${VERSION} to ${TOOLS}`);
  if (!(await madeBy(PYTHONS, say))) throw new Error('python3 with venv is needed');
  const pip = join(TOOLS, 'bin', 'pip');
  if ((await run(pip, ['install', '--quiet', `schemathesis==${VERSION}`], say)) !== 0)
    throw new Error('Schemathesis could not be installed from PyPI');
  return program;
}

async function madeBy(pythons: readonly string[], say: (line: string) => void): Promise<boolean> {
  for (const python of pythons) {
    const code = await run(python, ['-m', 'venv', TOOLS], say).catch(() => 127);
    if (code === 0) return true;
  }
  return false;
}

function run(program: string, args: readonly string[], say: (line: string) => void): Promise<number | null> {
  return new Promise((resolve, reject) => {
    // It leaves a folder where it is run.
    const child = spawn(program, args, { cwd: CACHE, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => say(text.trimEnd()));
    }
    child.on('error', reject);
    child.on('close', resolve);
  });
}
