import { createHash } from 'node:crypto';
import helmet from '@fastify/helmet';
import { refuseOtherMethods } from '@payflow/service';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { keepCompressed } from '../compression/kept-bytes.js';
import { isUnchanged } from './headers.js';

/** What is served at a path. */
export interface StaticContent {
  readonly path: string;
  readonly type: string;
  readonly content: string | Buffer;
}

/** A file that a page loads, before it has a path. */
export interface StaticFile extends Omit<StaticContent, 'path'> {
  /** Such as `reference.css`. */
  readonly name: string;
}

/** A year: the longest that caches promise anything for. */
const FOREVER = 'public, max-age=31536000, immutable';
/** Kept by everybody, and asked for each time: its ETag says that it still stands. */
const ASKED_EACH_TIME = 'public, no-cache';
const HASH_LENGTH = 16;
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** A page loads what stands here, and nothing from elsewhere; it runs no script and no style that is written into it. */
const POLICY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  fontSrc: ["'self'"],
  connectSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};

/** The file at its path: its name carries a hash of what is in it, so what stands there never changes. */
export function hashedFile(folder: string, { name, type, content }: StaticFile): StaticContent {
  const dot = name.lastIndexOf('.');
  return { path: `${folder}/${name.slice(0, dot)}.${hashOf(content)}${name.slice(dot)}`, type, content };
}

/**
 * Serves pages and the files that they load ({@link hashedFile}), all of it from memory, compressed once. Files may be kept for
 * ever by anybody, a CDN among them; pages are asked for each time. What a page may load and run is told by a strict
 * Content-Security-Policy.
 */
export function serveStatic(
  fastify: FastifyInstance,
  { files, pages }: { readonly files: readonly StaticContent[]; readonly pages: readonly StaticContent[] },
): void {
  void fastify.register(async (scope) => {
    await scope.register(helmet, {
      contentSecurityPolicy: { useDefaults: false, directives: POLICY },
      xFrameOptions: { action: 'deny' },
      // Said by the edge, where it is true.
      strictTransportSecurity: false,
    });
    for (const file of files) serve(scope, file, FOREVER);
    for (const page of pages) serve(scope, page, ASKED_EACH_TIME);
    // Here: what stands in a scope of its own comes after the methods of all others are known.
    refuseOtherMethods(scope, new Map([...files, ...pages].map(({ path }) => [path, READS])));
  });
}

function serve(scope: FastifyInstance, { path, type, content }: StaticContent, cacheControl: string): void {
  const bytes = Buffer.from(content);
  keepCompressed(bytes);
  const opaque = hashOf(bytes);
  const headers = { etag: `W/"${opaque}"`, 'content-type': type, 'cache-control': cacheControl };
  scope.get(path, (request: FastifyRequest, reply: FastifyReply) => {
    void reply.headers(headers);
    if (isUnchanged(request.headers['if-none-match'], opaque)) return reply.status(304).send();
    return reply.send(bytes);
  });
}

function hashOf(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('base64url').slice(0, HASH_LENGTH);
}
