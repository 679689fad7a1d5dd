import { Catch, UseFilters, applyDecorators, type ExceptionFilter } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import type { Group } from '@payflow/contracts';
import { throwError, type Observable } from 'rxjs';

/** Nest would turn an error into a reply; the runner needs the error itself, to tell poison from weather. */
@Catch()
class PassErrorOn implements ExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

/** The method handles the batches of a consumer group: `(messages, tx) => Promise<Handled>`. */
export function Consumes(group: Group): MethodDecorator {
  return applyDecorators(EventPattern<string>(group), UseFilters(PassErrorOn));
}

/** The method writes the group's refusals for messages that an operator discarded. */
export function Discards(group: Group): MethodDecorator {
  return applyDecorators(EventPattern<string>(discardPattern(group)), UseFilters(PassErrorOn));
}

/** The method refuses the group's commands that cannot be decoded: `(commands: Refusable[], tx) => Promise<Handled>`. */
export function Refuses(group: Group): MethodDecorator {
  return applyDecorators(EventPattern<string>(refusePattern(group)), UseFilters(PassErrorOn));
}

/** The method tells, of messages whose subject is parked, the ids of those that the group has applied before. */
export function Known(group: Group): MethodDecorator {
  return applyDecorators(EventPattern<string>(knownPattern(group)), UseFilters(PassErrorOn));
}

/** The method tells which of the group's later commands belong to subjects whose first command has been applied. */
export function Begun(group: Group): MethodDecorator {
  return applyDecorators(EventPattern<string>(begunPattern(group)), UseFilters(PassErrorOn));
}

export function begunPattern(group: Group): string {
  return `${group}#begun`;
}

export function knownPattern(group: Group): string {
  return `${group}#known`;
}

export function discardPattern(group: Group): string {
  return `${group}#discard`;
}

export function refusePattern(group: Group): string {
  return `${group}#refuse`;
}
