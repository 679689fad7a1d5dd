import { ATTEMPT_TRANSITIONS, FINAL_ATTEMPT_STATES, attemptDiagram } from '@payflow/payments/attempt-transitions';
import { FINAL_STATES, TRANSITIONS, transitionDiagram } from '@payflow/payments/transitions';

interface Machine {
  readonly title: string;
  readonly source: string;
  readonly told: string;
  readonly diagram: string;
  readonly transitions: readonly { readonly from: string; readonly to: string; readonly by: string }[];
  readonly finals: readonly string[];
}

/** The picture of a payment's states, made of the table that the service itself obeys. */
export function paymentLife(): string {
  return pictureOf({
    title: 'States of a payment',
    source: 'transitions.ts',
    told: 'What happens on the way from one to the next is told in [the life of a payment](../payments/the-life-of-a-payment.md).',
    diagram: transitionDiagram(),
    transitions: TRANSITIONS,
    finals: FINAL_STATES,
  });
}

/** The same of what is asked of a provider. */
export function attemptLife(): string {
  return pictureOf({
    title: 'States of an attempt',
    source: 'attempt-transitions.ts',
    told: 'What leads from one to the next is told in [unknown outcomes](../payments/unknown-outcomes.md). From each state to itself there is a way as well: somebody was asked and said nothing new, or has to look.',
    diagram: attemptDiagram(),
    transitions: ATTEMPT_TRANSITIONS,
    finals: FINAL_ATTEMPT_STATES,
  });
}

function pictureOf({ title, source, told, diagram, transitions, finals }: Machine): string {
  return [
    `# ${title}`,
    '',
    `Generated from \`apps/payments/src/domain/${source}\`: do not edit. ${told}`,
    '',
    '```mermaid',
    diagram,
    '```',
    '',
    '| from | to | by |',
    '|---|---|---|',
    ...transitions.map(({ from, to, by }) => `| \`${from}\` | \`${to}\` | ${by} |`),
    '',
    `Final, and never left: ${finals.map((state) => `\`${state}\``).join(', ')}.`,
    '',
  ].join('\n');
}
