import type { LoggerService } from '@nestjs/common';
import { logger } from '@payflow/telemetry';

/** Nest's own lines through our logger. What Nest calls `log` (each route, each module) is debug to an operator. */
export function nestLogger(): LoggerService {
  const log = logger('nest');
  const write =
    (level: 'debug' | 'warn' | 'error' | 'fatal') =>
    (message: unknown, ...rest: unknown[]) =>
      log[level]({ context: rest.at(-1) }, message instanceof Error ? message.message : String(message));
  return {
    log: write('debug'),
    debug: write('debug'),
    verbose: write('debug'),
    warn: write('warn'),
    error: write('error'),
    fatal: write('fatal'),
  };
}
