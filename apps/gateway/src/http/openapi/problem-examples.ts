import type { ProblemCode } from '@payflow/contracts';
import { Problem, problemBody, type FieldProblem } from '@payflow/service';

/** What problems say where a part of the request is at fault. */
const FIELDS: Readonly<Partial<Record<ProblemCode, FieldProblem>>> = {
  invalid_request: { pointer: '/amount', code: 'wrong_type', detail: 'Must be a string.' },
  invalid_parameter: {
    pointer: 'limit',
    code: 'malformed',
    detail: 'Must be a whole number from 1 to 200.',
  },
  account_not_found: { pointer: '/destination', code: 'account_not_found', detail: 'No such open account.' },
};

/** A problem as the edge writes it. */
export function problemExample(code: ProblemCode): object {
  const field = FIELDS[code];
  const { options } = new Problem(code, field ? { errors: [field] } : {});
  return problemBody(code, options, {
    instance: '/api/v1/payments',
    requestId: 'req_0b0c6a0e-6f3b-4c7e-9a57-1f0a5b9d2c11',
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  });
}
