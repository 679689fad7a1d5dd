import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { PROBLEMS, type ProblemSpec } from '@payflow/contracts';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { openApiDocument } from './openapi/document.js';
import { hashedFile, serveStatic, type StaticFile } from './static-files.js';

/** The page loads its own scripts and styles and nothing from elsewhere. */
const DOCS_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

const ERRORS_STYLE: StaticFile = {
  name: 'errors.css',
  type: 'text/css; charset=utf-8',
  content:
    'body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}' +
    'td,th{text-align:left;padding:.4rem .8rem;border-bottom:1px solid #ddd;vertical-align:top}:target{background:#fff3c4}',
};

/** `/docs` to read and try the API, `/docs/openapi.json` for tools, `/docs/errors` where the problems' types lead. */
export function serveDocs(app: NestFastifyApplication): void {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  fastify.addHook('onRequest', (request: FastifyRequest, reply, done) => {
    if (request.url.startsWith('/docs')) void reply.header('content-security-policy', DOCS_POLICY);
    done();
  });
  SwaggerModule.setup('docs', app, openApiDocument() as OpenAPIObject, {
    jsonDocumentUrl: 'docs/openapi.json',
    customSiteTitle: 'PayFlow API',
    raw: ['json'],
  });
  const style = hashedFile('/docs/files', ERRORS_STYLE);
  const errors = { path: '/docs/errors', type: 'text/html; charset=utf-8', content: errorPage(style.path) };
  serveStatic(fastify, { files: [style], pages: [errors] });
}

function errorPage(style: string): string {
  const rows = Object.entries(PROBLEMS as Record<string, ProblemSpec>).map(
    ([code, { status, title, remedy, retryable }]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${title}</td><td>${remedy.replaceAll(/`([^`]+)`/g, '<code>$1</code>')}</td><td>${retryable ? 'yes' : 'no'}</td></tr>`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>PayFlow errors</title>
<link rel="stylesheet" href="${style}">
<h1>Errors</h1><p>Every error is <code>application/problem+json</code> with one of these codes.</p>
<table><tr><th>code</th><th>status</th><th>meaning</th><th>remedy</th><th>retry as it is</th></tr>${rows.join('')}</table></html>`;
}
