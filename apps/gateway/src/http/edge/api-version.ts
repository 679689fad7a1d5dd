import type { FastifyReply, FastifyRequest } from 'fastify';
import { API_VERSION, API_VERSIONS } from '../../domain/api-version.js';
import { callerIfAny } from './authentication.js';

/** The version that answers: that which is asked for, else the key's. A process of an older release may not know that, and answers in its own newest. */
export function versionFor(
  asked: string | undefined,
  pinned: string | undefined,
  versions: readonly string[] = API_VERSIONS,
): string {
  const wanted = asked ?? pinned;
  return wanted !== undefined && versions.includes(wanted) ? wanted : (versions[0] ?? API_VERSION);
}

/** The version that a request is answered in, once it is known who makes it; `PayFlow-Version` has been looked at by then. */
export function versionOf(request: FastifyRequest): string {
  return versionFor(request.headers['payflow-version'] as string | undefined, callerIfAny(request)?.apiVersion);
}

/** What was put on the answer before it was known who asks is put right. */
export function tellVersion(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  const version = versionOf(request);
  if (version !== API_VERSION) void reply.header('payflow-version', version);
  done();
}
