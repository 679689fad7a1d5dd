import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { ProblemCode } from '@payflow/contracts';
import { activeTraceId, logger } from '@payflow/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { toldPath } from '../http/told-path.js';
import { PROBLEM_CONTENT_TYPE, problemBody, type Occurrence } from './problem.js';
import { translate } from './translate.js';

const log = logger('http');

const BODY_HEADERS = ['content-encoding', 'content-disposition'] as const;

/** Writes every error that reaches the edge as `application/problem+json`. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    sendProblem(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }
}

/** Answers a request with the problem an error stands for. Errors of ours are logged with their cause. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = translate(error);
  if (problem.status >= 500 && !problem.options.isExpected) {
    log.error(
      { err: problem.options.cause ?? problem, request_id: request.id, code: problem.code },
      'a request failed',
    );
  }
  if (reply.sent) return;
  (reply as AnsweringReply)[CODE] = problem.code;
  // Of a body that broke before anything of it was sent.
  for (const name of BODY_HEADERS) reply.removeHeader(name);
  if (problem.options.headers) void reply.headers(problem.options.headers);
  void reply
    .status(problem.status)
    .header('content-type', PROBLEM_CONTENT_TYPE)
    .serializer(JSON.stringify)
    .send(problemBody(problem.code, problem.options, occurrence(request)));
}

const CODE = Symbol('code');
type AnsweringReply = FastifyReply & { [CODE]?: ProblemCode };

/** The code of the problem that a request was answered with, if it was one. */
export function problemCodeOf(reply: FastifyReply): ProblemCode | undefined {
  return (reply as AnsweringReply)[CODE];
}

/** The path as it was asked for, and the ids under which this request can be found again. */
export function occurrence(request: FastifyRequest): Occurrence {
  return { instance: toldPath(request.originalUrl), requestId: request.id, traceId: activeTraceId() };
}
