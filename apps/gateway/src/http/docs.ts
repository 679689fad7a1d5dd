import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { changelogPage } from './docs/changelog-page.js';
import { errorPage } from './docs/error-page.js';
import { SCRIPT_ASSET, STYLE_ASSET } from './docs/page.js';
import { referencePage } from './docs/reference-page.js';
import { openApiDocument } from './openapi/document.js';

/** The pages have a script and a style of their own, and load nothing from elsewhere. */
const DOCS_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const HTML = 'text/html; charset=utf-8';
/** A page changes with the release that serves it. */
const PAGE_CACHE_CONTROL = 'public, max-age=300';
/** A file whose name is its content's never does. */
const ASSET_CACHE_CONTROL = 'public, max-age=31536000, immutable';

/** `/docs` to read, `/docs/openapi.json` for tools, `/docs/errors` where the problems' types lead, `/docs/changelog`. Made once, at the start. */
export function serveDocs(app: NestFastifyApplication): void {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  const document = openApiDocument();
  serve(fastify, '/docs', HTML, referencePage(document));
  serve(fastify, '/docs/errors', HTML, errorPage());
  serve(fastify, '/docs/changelog', HTML, changelogPage());
  serve(fastify, '/docs/openapi.json', 'application/json; charset=utf-8', JSON.stringify(document));
  for (const { path, type, content } of [STYLE_ASSET, SCRIPT_ASSET])
    serve(fastify, path, type, content, ASSET_CACHE_CONTROL);
}

function serve(
  fastify: FastifyInstance,
  path: string,
  type: string,
  content: string,
  cacheControl = PAGE_CACHE_CONTROL,
): void {
  const bytes = Buffer.from(content);
  const headers = { 'content-type': type, 'content-security-policy': DOCS_POLICY, 'cache-control': cacheControl };
  fastify.get(path, (_request, reply) => reply.headers(headers).send(bytes));
}
