import { pipeline, type Readable } from 'node:stream';
import { METRICS } from '@payflow/contracts';
import { histogram } from '@payflow/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { addVary } from '../edge/vary.js';
import { codingFor, type Coding } from './accept-encoding.js';
import { encoded, encoder } from './codings.js';
import { Efforts } from './effort.js';
import { keptOf } from './kept-bytes.js';

export interface CompressionOptions {
  /** What is smaller goes out as it is: it fits one packet either way. */
  readonly bytes_min: number;
}

/** What compresses well and is read as it comes; not `text/event-stream`, whose events must not wait for each other. */
const COMPRESSIBLE = /^(?:text\/(?!event-stream)|application\/(?:json|x-ndjson|javascript|xml)\b|image\/svg\+xml)/i;
const PIECE_BYTES = 32 * 1024;
const RATIOS = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1];
const SECONDS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025];

const ratio = histogram(
  METRICS.compressionRatio,
  'Size of a compressed answer as a share of what it was before.',
  ['encoding'] as const,
  RATIOS,
);
const seconds = histogram(
  METRICS.compressionSeconds,
  'What compressing added to an answer. Streams are compressed while they are sent, and are not in here.',
  ['encoding'] as const,
  SECONDS,
);

type Payload = string | Buffer | Readable | null | undefined;
type Done = (error: Error | null, payload?: unknown) => void;

/**
 * Compresses answers by Accept-Encoding. Never one that may hold a secret beside what somebody else wrote into it (BREACH):
 * so what reads alone is compressed, and bulks, whose answers are long; not logins, new keys, or refusals, which repeat what
 * was sent. ETags are weak and stay: they stand for what is told, not for its bytes.
 */
export function compressAnswers(
  fastify: FastifyInstance,
  { bytes_min }: CompressionOptions,
  efforts: Efforts = new Efforts(),
): void {
  efforts.open();
  fastify.addHook('onClose', () => efforts.close());
  fastify.addHook('onSend', (request: FastifyRequest, reply: FastifyReply, payload: Payload, done: Done) => {
    if (!mayCompress(request, reply)) return done(null, payload);
    addVary(reply, 'accept-encoding');
    const coding = codingFor(header(request));
    if (!payload || !coding) return done(null, payload);
    if (isStream(payload)) return done(null, compressedStream(reply, payload, coding, efforts));
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    if (bytes.length < bytes_min) return done(null, payload);
    compress(bytes, coding, efforts, (error, smaller) => {
      if (error) return done(error);
      label(reply, coding);
      done(null, smaller);
    });
  });
}

function mayCompress(request: FastifyRequest, reply: FastifyReply): boolean {
  const { statusCode } = reply;
  // A 304 says what the 200 would have varied by.
  if ((statusCode !== 200 && statusCode !== 304) || !isMeant(request)) return false;
  if (reply.hasHeader('content-encoding') || reply.hasHeader('content-range')) return false;
  return statusCode === 304 || COMPRESSIBLE.test(String(reply.getHeader('content-type') ?? ''));
}

function isMeant({ method, routeOptions }: FastifyRequest): boolean {
  const { secret, bulk } = (routeOptions.config ?? {}) as { readonly secret?: true; readonly bulk?: true };
  if (secret) return false;
  return method === 'GET' || method === 'HEAD' || bulk === true;
}

function compress(bytes: Buffer, coding: Coding, efforts: Efforts, done: (error: Error | null, b?: Buffer) => void) {
  const kept = keptOf(bytes);
  const before = kept?.get(coding);
  if (before) return done(null, before);
  const started = performance.now();
  const note = (smaller: Buffer): void => {
    kept?.set(coding, smaller);
    seconds.observe({ encoding: coding }, (performance.now() - started) / 1_000);
    ratio.observe({ encoding: coding }, smaller.length / bytes.length);
    done(null, smaller);
  };
  const smaller = encoded(bytes, coding, efforts.now);
  if (Buffer.isBuffer(smaller)) note(smaller);
  else smaller.then(note, done);
}

/** Goes on as fast as the client takes it, and ends with whichever of the two ends first. */
function compressedStream(reply: FastifyReply, source: Readable, coding: Coding, efforts: Efforts): Readable {
  label(reply, coding);
  const compressor = encoder(coding, efforts.now);
  let smaller = 0;
  compressor.on('data', (chunk: Buffer) => (smaller += chunk.length));
  // It flows when the answer takes it.
  compressor.pause();
  pipeline(source, gathered, compressor, (error) => {
    const { bytesWritten } = compressor;
    if (!error && bytesWritten > 0) ratio.observe({ encoding: coding }, smaller / bytesWritten);
  });
  return compressor;
}

/**
 * Pieces that are worth compressing: one row at a time, each would be a trip to another thread, and brotli would make more of
 * it than it was.
 */
async function* gathered(source: AsyncIterable<Buffer | string>): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    const piece = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    pieces.push(piece);
    bytes += piece.length;
    if (bytes < PIECE_BYTES) continue;
    yield Buffer.concat(pieces);
    pieces = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(pieces);
}

function label(reply: FastifyReply, coding: Coding): void {
  void reply.header('content-encoding', coding).removeHeader('content-length');
  const etag = reply.getHeader('etag');
  // A strong one would promise the same bytes.
  if (typeof etag === 'string' && !etag.startsWith('W/')) void reply.header('etag', `W/${etag}`);
}

function header({ headers }: FastifyRequest): string | undefined {
  const given = headers['accept-encoding'];
  return Array.isArray(given) ? given.join(',') : given;
}

function isStream(payload: string | Buffer | Readable): payload is Readable {
  return typeof (payload as Partial<Readable>).pipe === 'function';
}
