import type { Socket } from 'node:net';
import { PROBLEMS, type ProblemCode } from '@payflow/contracts';
import { PROBLEM_CONTENT_TYPE, problemBody } from './problem.js';

/** Answers what Node's HTTP parser refuses before there is a request: bad HTTP, too large headers, too slow a sender. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(rawAnswer(codeOf(error)), () => socket.destroy());
}

function codeOf(error: NodeJS.ErrnoException): ProblemCode {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return 'headers_too_large';
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'request_timeout';
    default:
      return 'invalid_http';
  }
}

const REASON_PHRASES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

function rawAnswer(code: ProblemCode): string {
  const { status } = PROBLEMS[code];
  const body = JSON.stringify(problemBody(code, {}, {}));
  const head = [
    `HTTP/1.1 ${status} ${REASON_PHRASES[status] ?? 'Error'}`,
    `content-type: ${PROBLEM_CONTENT_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
