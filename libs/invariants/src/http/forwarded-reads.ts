import {
  Inject,
  Injectable,
  SetMetadata,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import type { Database } from '@payflow/database';
import { BoundedQueue, DEADLINE_HEADER, deadlineOf } from '@payflow/resilience';
import { DATABASE } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';

const PRIORITY = 'payflow:read-priority';

/** Of reads that wait, the greater goes first. What reads one row before what adds up many; 0 without this mark. */
export const ReadPriority = (priority: number): MethodDecorator & ClassDecorator => SetMetadata(PRIORITY, priority);

/** The pools that reads go to. Others have theirs, so that those who post always find a connection. */
const POOLS: readonly string[] = ['api', 'reports'];
const WAITING_MAX = 200;
/** What waits longer is refused while its client is still there to try again: the gateway gives up much later. */
const AGE_MAX_MS = 2_500;

/**
 * The reads that an owner answers for the gateway: so many at one time, the others by priority, and none that nobody waits
 * for any more, because its deadline has passed or its connection has gone.
 */
@Injectable()
export class ForwardedReads implements NestInterceptor {
  private readonly queue: BoundedQueue;

  constructor(@Inject(DATABASE) database: Pick<Database, 'pools'>) {
    const connections = database.pools().filter(({ purpose }) => POOLS.includes(purpose));
    this.queue = new BoundedQueue('forwarded_reads', {
      running_max: connections.reduce((sum, { max }) => sum + max, 0),
      waiting_max: WAITING_MAX,
      age_max_ms: AGE_MAX_MS,
    });
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const deadline = deadlineOf(http.getRequest<FastifyRequest>().headers[DEADLINE_HEADER]);
    const priority = Reflect.getMetadata(PRIORITY, context.getHandler()) as number | undefined;
    return from(
      this.queue.run(() => lastValueFrom(next.handle()), {
        deadline,
        priority: priority ?? 0,
        gone: whenGone(http.getResponse<FastifyReply>()),
      }),
    );
  }
}

/** Comes when the connection closes, whether its answer has been sent by then or not. */
function whenGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}
