import { FINAL_STATES, TRANSITIONS, transitionDiagram } from '@payflow/payments/transitions';

/** The picture of a payment's states, made of the table that the service itself obeys. */
export function paymentLife(): string {
  return [
    '# States of a payment',
    '',
    'Generated from `apps/payments/src/domain/transitions.ts`: do not edit. What happens on the way from one to the next is told in [the life of a payment](../payments/the-life-of-a-payment.md).',
    '',
    '```mermaid',
    transitionDiagram(),
    '```',
    '',
    '| from | to | by |',
    '|---|---|---|',
    ...TRANSITIONS.map(({ from, to, by }) => `| \`${from}\` | \`${to}\` | ${by} |`),
    '',
    `Final, and never left: ${FINAL_STATES.map((state) => `\`${state}\``).join(', ')}.`,
    '',
  ].join('\n');
}
