import { spread, type Figures } from './figures.js';
import { requestText, Wire } from './wire.js';

/** So many payments come to 50 KB. */
const LIST = '/api/v1/payments?limit=100';
const CODINGS = ['gzip', 'br', 'zstd'] as const;
const FORMS = ['plain', ...CODINGS] as const;
const BUCKET = /^payflow_http_compression_seconds_bucket\{.*le="([0-9.]+)".*\} (\d+)/;
type Form = (typeof FORMS)[number];

interface Asked {
  readonly took_ms: number[];
  bytes: number;
}

/**
 * What a client waits longer for a list of 50 KB because it comes compressed: the same list read anew each time, plain and in each
 * coding, one answer after the other, in turns. And what compressing took by itself, as the gateway's own metric has it: of lists of
 * fifty and of a hundred.
 */
export async function listsCompressed(port: number, key: string, rounds: number, each: number): Promise<Figures> {
  const wire = await Wire.to(port);
  const asked = Object.fromEntries(FORMS.map((form) => [form, [] as Asked[]])) as Record<Form, Asked[]>;
  // The first is to warm up.
  for (let round = 0; round <= rounds; round++)
    for (const form of FORMS) {
      const told = await askFor(wire, key, form, each);
      if (round > 0) asked[form].push(told);
    }
  wire.close();
  return { ...figuresOf(asked), ...(await compressingItself(port)) };
}

async function askFor(wire: Wire, key: string, form: Form, each: number): Promise<Asked> {
  const headers = { authorization: `Bearer ${key}`, 'cache-control': 'no-cache' };
  const text = requestText('GET', LIST, form === 'plain' ? headers : { ...headers, 'accept-encoding': form });
  const told: Asked = { took_ms: [], bytes: 0 };
  for (let turn = 0; turn < each; turn++) {
    const started = performance.now();
    const { status, bytes } = await wire.send(text);
    if (status !== 200) throw new Error(`answered ${status}`);
    told.took_ms.push(performance.now() - started);
    told.bytes = bytes;
  }
  return told;
}

/** The bucket of the metric in which the 99th of a hundred lies: it took no longer than that. */
async function compressingItself(port: number): Promise<Figures> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  const lines = (await answer.text()).split('\n');
  const figures = CODINGS.map((coding) => {
    const buckets = lines.flatMap((line) => {
      const [, le, count] = BUCKET.exec(line) ?? [];
      return le !== undefined && line.includes(`encoding="${coding}"`)
        ? [{ le: Number(le), count: Number(count) }]
        : [];
    });
    const all = Math.max(...buckets.map(({ count }) => count));
    const enough = buckets.filter(({ count }) => count >= all * 0.99).map(({ le }) => le);
    return [
      `compressing by ${coding}, p99 at most ms (aim: at most 5)`,
      spread([Math.min(...enough) * 1_000]),
    ] as const;
  });
  return Object.fromEntries(figures);
}

function figuresOf(asked: Readonly<Record<Form, readonly Asked[]>>): Figures {
  const plain = asked.plain;
  const of = (coding: Form, figure: (one: Asked, beside: Asked) => number) =>
    spread(asked[coding].map((one, round) => figure(one, plain[round] as Asked)));
  const added = (share: number) => (one: Asked, beside: Asked) => at(one, share) - at(beside, share);
  const figures = CODINGS.map((coding) => ({
    [`list of 100 by ${coding}, added p50 ms`]: of(coding, added(0.5)),
    [`list of 100 by ${coding}, added p99 ms (aim: at most 5)`]: of(coding, added(0.99)),
    [`list of 100 by ${coding}, saved (aim: at least 0.4)`]: of(
      coding,
      ({ bytes }, beside) => 1 - bytes / beside.bytes,
    ),
  }));
  const itself = { 'list of 100, plain: KB': of('plain', ({ bytes }) => bytes / 1_000) };
  const took = {
    'list of 100, plain: p50 ms': of('plain', (one) => at(one, 0.5)),
    'list of 100, plain: p99 ms': of('plain', (one) => at(one, 0.99)),
  };
  return Object.assign(itself, took, ...figures) as Figures;
}

function at({ took_ms }: Asked, share: number): number {
  return took_ms.toSorted((a, b) => a - b)[Math.floor(took_ms.length * share)] ?? NaN;
}
