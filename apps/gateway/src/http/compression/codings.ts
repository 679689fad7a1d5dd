import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import {
  brotliCompress,
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  gzip,
  gzipSync,
  zstdCompress,
  zstdCompressSync,
  type BrotliOptions,
  type ZlibOptions,
  type ZstdOptions,
} from 'node:zlib';
import type { Coding } from './accept-encoding.js';
import type { Effort } from './effort.js';

/** A stream of `node:zlib`. */
export type Encoder = Transform & { readonly bytesWritten: number };

/** One coding at one effort, as `node:zlib` does it. */
interface Compressor {
  /** In this thread: for what takes less than handing it to another would. */
  readonly now: (bytes: Buffer) => Buffer;
  /** In the thread pool. */
  readonly aside: (bytes: Buffer) => Promise<Buffer>;
  readonly stream: () => Encoder;
}

/**
 * Up to here one call takes under a millisecond, in every coding at its full level: 50 KB of a list in 75 µs (zstd) to 240 µs
 * (gzip), where the thread pool alone would add 150.
 */
const NOW_BYTES_MAX = 128 * 1024;

/** A list's JSON of 25 KB is 18 to 20 % of that at each of these; a level higher takes twice the time for half a percent. */
const COMPRESSORS: Readonly<Record<Coding, Readonly<Record<Effort, Compressor>>>> = {
  zstd: { full: zstd(3), low: zstd(1) },
  br: { full: brotli(4), low: brotli(1) },
  gzip: { full: gzipped(6), low: gzipped(1) },
};

/** The bytes in the coding: at once where that is quickest, else when another thread has done it. */
export function encoded(bytes: Buffer, coding: Coding, effort: Effort): Buffer | Promise<Buffer> {
  const { now, aside } = COMPRESSORS[coding][effort];
  return bytes.length <= NOW_BYTES_MAX ? now(bytes) : aside(bytes);
}

/** What is written to it comes out in the coding, as fast as it is taken. */
export function encoder(coding: Coding, effort: Effort): Encoder {
  return COMPRESSORS[coding][effort].stream();
}

function zstd(level: number): Compressor {
  const options: ZstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: level } };
  const aside = promisify<Buffer, ZstdOptions, Buffer>(zstdCompress);
  return {
    now: (bytes) => zstdCompressSync(bytes, options),
    aside: (bytes) => aside(bytes, options),
    stream: () => createZstdCompress(options),
  };
}

function brotli(quality: number): Compressor {
  const options: BrotliOptions = {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    },
  };
  const aside = promisify<Buffer, BrotliOptions, Buffer>(brotliCompress);
  return {
    now: (bytes) => brotliCompressSync(bytes, options),
    aside: (bytes) => aside(bytes, options),
    stream: () => createBrotliCompress(options),
  };
}

function gzipped(level: number): Compressor {
  const options: ZlibOptions = { level };
  const aside = promisify<Buffer, ZlibOptions, Buffer>(gzip);
  return {
    now: (bytes) => gzipSync(bytes, options),
    aside: (bytes) => aside(bytes, options),
    stream: () => createGzip(options),
  };
}
