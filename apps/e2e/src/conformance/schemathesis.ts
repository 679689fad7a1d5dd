import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** From PyPI; the checks below are those of this version. */
const VERSION = '4.32.5';
const TOOLS = join(process.cwd(), '.payflow', 'cache', `schemathesis-${VERSION}`);
const WORKERS = '4';
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
}

/** Lets Schemathesis ask everything that the served document describes: its examples, its edges, at random, one upon another. */
export async function playSchemathesis({ base, apiKey, examples, seed, say }: SchemathesisRun): Promise<void> {
  const program = await installed(say);
  const code = await run(
    program,
    [
      'run',
      `${base}/docs/openapi.json`,
      ...['--checks', CHECKS.join(',')],
      ...['--phases', 'examples,coverage,fuzzing,stateful'],
      ...['--mode', 'all', '--max-examples', String(examples), '--seed', String(seed)],
      ...['--workers', WORKERS, '--continue-on-failure', '--output-sanitize', 'true', '--no-color'],
      ...['--suppress-health-check', 'all', '--warnings', 'off', '--request-timeout', '30'],
      ...['--header', `Authorization: Bearer ${apiKey}`],
      // What nobody waits for is answered at once.
      ...['--header', 'Prefer: wait=0'],
    ],
    say,
  );
  if (code !== 0) throw new Error(`Schemathesis found faults: it ended with ${code}`);
}

/** The program, brought into a folder of its own where it is not there yet. */
async function installed(say: (line: string) => void): Promise<string> {
  const program = join(TOOLS, 'bin', 'st');
  if (existsSync(program)) return program;
  say(`bringing Schemathesis ${VERSION} to ${TOOLS}`);
  if ((await run('python3', ['-m', 'venv', TOOLS], say)) !== 0) throw new Error('python3 with venv is needed');
  const pip = join(TOOLS, 'bin', 'pip');
  if ((await run(pip, ['install', '--quiet', `schemathesis==${VERSION}`], say)) !== 0)
    throw new Error('Schemathesis could not be installed from PyPI');
  return program;
}

function run(program: string, args: readonly string[], say: (line: string) => void): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => say(text.trimEnd()));
    }
    child.on('error', reject);
    child.on('close', resolve);
  });
}
