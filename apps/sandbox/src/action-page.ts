import type { FastifyInstance } from 'fastify';
import { CUSTOMER_APPROVES, CUSTOMER_DENIES, found, type Acquirer } from './acquirer.js';
import type { Authorization } from './domain/authorization.js';
import type { Webhooks } from './webhooks.js';

type ById = { Params: { id: string } };

/** Where the customer's bank asks them: two buttons, no script. No key: the customer has none. */
export function actionPages(
  fastify: FastifyInstance,
  { acquirer, webhooks }: { acquirer: Acquirer; webhooks: Webhooks },
) {
  fastify.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'buffer' }, (_request, _body, done) =>
    done(null, null),
  );
  fastify.addHook('onSend', async (_request, reply) => {
    void reply
      .header('content-security-policy', "default-src 'none'; form-action 'self'")
      .header('cache-control', 'no-store');
  });
  fastify.get<ById>('/actions/:id', ({ params }, reply) =>
    reply.type('text/html; charset=utf-8').send(page(found(acquirer.authorizations, params.id))),
  );
  for (const [word, verdict] of [
    ['approve', CUSTOMER_APPROVES],
    ['deny', CUSTOMER_DENIES],
  ] as const) {
    fastify.post<ById>(`/actions/:id/${word}`, ({ params }, reply) => {
      void webhooks.tell(acquirer.completeAction(params.id, verdict).events);
      return reply.type('text/html; charset=utf-8').send(page(found(acquirer.authorizations, params.id)));
    });
  }
}

function page(authorization: Authorization): string {
  const { id, amount, currency, status } = authorization;
  const form = (word: string) => `<form method="post" action="/actions/${id}/${word}"><button>${word}</button></form>`;
  const content =
    status === 'action_required'
      ? `<p>Pay ${amount} ${currency} (minor units)?</p>${form('approve')}${form('deny')}`
      : `<p>The payment is ${status}. You may close this page.</p>`;
  return `<!doctype html><html lang="en"><head><title>Sandbox bank</title></head><body><h1>Sandbox bank</h1>${content}</body></html>`;
}
