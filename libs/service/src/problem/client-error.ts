import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PROBLEMS, type ProblemCode } from '@payflow/contracts';
import { newRequestId } from '../http/request-id.js';
import { PROBLEM_CONTENT_TYPE, problemBody } from './problem.js';

/** What Node keeps of the answer that is next on a connection. */
type Answering = Socket & { readonly _httpMessage?: ServerResponse | null };

const refused = new WeakSet<Socket>();

/** What hears of the parser's errors: they are answered with these headers beside what each has. */
export function clientErrorsWith(
  headers: Readonly<Record<string, string>>,
): (error: NodeJS.ErrnoException, socket: Socket) => void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return (error, socket) => answerClientError(error, socket, lines.join(''));
}

/**
 * Answers what Node's HTTP parser refuses before there is a request: bad HTTP, too large headers, too slow a sender. Requests
 * before it that came whole are answered first: to their client, a refusal that overtakes them would be theirs, and they may be
 * done by now.
 */
function answerClientError(error: NodeJS.ErrnoException, socket: Socket, headers: string): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  // The parser says it again of whatever comes.
  if (refused.has(socket)) return;
  refused.add(socket);
  afterThoseBefore(codeOf(error), socket, headers);
}

function afterThoseBefore(code: ProblemCode, socket: Answering, headers: string): void {
  const before = socket._httpMessage;
  if (before?.req.complete && !before.writableFinished) {
    // Once it has been sent, the next in turn is in its place.
    before.once('finish', () => afterThoseBefore(code, socket, headers));
    return;
  }
  // Half an answer is there already: what came behind it would be taken for the rest.
  if (before?.headersSent || !socket.writable) socket.destroy();
  else socket.end(rawAnswer(code, headers), () => socket.destroy());
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

function rawAnswer(code: ProblemCode, headers: string): string {
  const { status } = PROBLEMS[code];
  // The caller's own is not looked for: the head may be what could not be read.
  const requestId = newRequestId();
  const body = JSON.stringify(problemBody(code, {}, { requestId }));
  const head = [
    `HTTP/1.1 ${status} ${REASON_PHRASES[status] ?? 'Error'}`,
    `content-type: ${PROBLEM_CONTENT_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    `request-id: ${requestId}`,
    'connection: close',
  ];
  return `${head.join('\r\n')}\r\n${headers}\r\n${body}`;
}
