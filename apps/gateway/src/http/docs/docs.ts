import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { changelogPage } from './changelog-page.js';
import { errorPage } from './error-page.js';
import { SCRIPT_ASSET, STYLE_ASSET } from './page.js';
import { referencePage } from './reference-page.js';
import { openApiDocument } from '../openapi/document.js';
import { serveStatic } from '../edge/static-files.js';

const HTML = 'text/html; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';

/** `/docs` to read, `/docs/openapi.json` for tools, `/docs/errors` where the problems' types lead, `/docs/changelog`. Made once, at the start. */
export function serveDocs(app: NestFastifyApplication): void {
  const document = openApiDocument();
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  // Who opens the address that was printed wants to read.
  for (const path of ['/', '/docs/'])
    fastify.get(path, (_request, reply: FastifyReply) => reply.redirect('/docs', 302));
  serveStatic(fastify, {
    files: [STYLE_ASSET, SCRIPT_ASSET],
    pages: [
      { path: '/docs', type: HTML, content: referencePage(document) },
      { path: '/docs/errors', type: HTML, content: errorPage() },
      { path: '/docs/changelog', type: HTML, content: changelogPage() },
      { path: '/docs/openapi.json', type: JSON_TYPE, content: JSON.stringify(document) },
    ],
  });
}
