import { Body, Controller, Header, HttpCode, Inject, Post, Req, UseGuards, UseInterceptors } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { ForwardedReads, InternalGuard, RequiresScope, claimsOf } from '@payflow/invariants';
import { readerErrors } from '@payflow/messaging';
import { DATABASE, Problem } from '@payflow/service';
import type { FastifyRequest } from 'fastify';
import { TRIED, tryCommand, type Tried } from '../reads/dry-run.js';

/**
 * What a command, by its type and data, would come to. A read, though its question is too long for an address; the gateway forwards
 * to it. What can be tried stands where the scope is that it needs.
 */
@Controller('api/v1')
@UseGuards(InternalGuard)
@UseInterceptors(ForwardedReads)
export class DryRunController {
  constructor(@Inject(DATABASE) private readonly db: Database) {}

  @Post('transfers/dry_run')
  @RequiresScope('transfers:write')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  transfers(@Req() request: FastifyRequest, @Body() body: unknown): Promise<object> {
    return tryCommand(this.db, claimsOf(request), triedOf(body, 'transfers:write'));
  }

  @Post('holds/dry_run')
  @RequiresScope('holds:write')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  holds(@Req() request: FastifyRequest, @Body() body: unknown): Promise<object> {
    return tryCommand(this.db, claimsOf(request), triedOf(body, 'holds:write'));
  }
}

const GROUP = 'payflow.group.post.v1';

interface Asked {
  readonly type?: unknown;
  readonly data?: unknown;
}

/** A gateway of the version before asks about groups alone, and sends the group itself. */
function isGroup(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'legs' in body && !('type' in body);
}

function triedOf(body: unknown, scope: keyof typeof TRIED): Tried {
  const { type: asked, data } = isGroup(body) ? { type: GROUP, data: body } : ((body ?? {}) as Asked);
  const type = TRIED[scope].find((one) => one === asked);
  if (!type || readerErrors(type, data)) throw new Problem('invalid_request');
  return { type, data } as Tried;
}
