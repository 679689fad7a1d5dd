import { Controller, Get, Post, UseGuards, type DynamicModule } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { readConfiguration } from '@payflow/service';
import { expect, it } from 'vitest';
import { gatewayConfiguration } from '../../gateway.config.js';
import { GatewayModule } from '../../gateway.module.js';
import { routesOf, unguarded } from '../../testing/routes.js';
import { OPERATIONS } from '../openapi/operations.js';
import { canDoWithoutBody } from '../openapi/optional-body.js';

const built = (): DynamicModule =>
  GatewayModule.with(
    readConfiguration(gatewayConfiguration, {
      NODE_ENV: 'test',
      DATABASE_URL: 'postgres://nobody@127.0.0.1/none',
      KAFKA_BROKERS: '127.0.0.1:1',
      REDIS_URL: 'redis://127.0.0.1:1',
    }),
  );

it('every route of the built gateway says who may pass', () => {
  expect(routesOf(built()).length).toBeGreaterThanOrEqual(OPERATIONS.length);
  expect(unguarded(built())).toEqual([]);
});

it('no route is left out of the document that the matrix of who may see what is made from', () => {
  const described = new Set(OPERATIONS.map(({ method, path }) => `${method} ${path}`));
  const names = routesOf(built()).map(({ name }) => name);
  expect(names.filter((name) => name.includes(' /api/') && !described.has(name))).toEqual([]);
  expect(names.filter((name) => !name.includes(' /api/')).every((name) => name.includes(' /internal/'))).toBe(true);
});

it('a body can be left out where the document says so, and nowhere else', () => {
  const optional = routesOf(built()).filter(({ access }) => access?.bodyOptional === true);
  const described = OPERATIONS.filter((one) => one.method !== 'get' && canDoWithoutBody(one));
  expect(optional.map(({ name }) => name).sort()).toEqual(
    described.map(({ method, path }) => `${method} ${path}`).sort(),
  );
});

@Controller('api/v1/forgotten')
class Forgotten {
  @Get()
  nothingIsSaid(): void {}

  @Get('other')
  @RouteConfig({ traffic: 'read' })
  onlyOtherThingsAreSaid(): void {}

  @Get('guarded')
  @UseGuards(class {})
  guardedByWhatTheGatewayDoesNotKnow(): void {}

  @Post('closed')
  @RouteConfig({ scope: 'payments:write' })
  closed(): void {}
}

@Controller('inside')
class Inside {
  @Get(':id')
  nothingIsSaid(): void {}
}

it('one that says nothing is found, wherever in the module it is', () => {
  const nested: DynamicModule = { module: class {}, controllers: [Inside] };
  expect(unguarded({ module: class {}, imports: [nested], controllers: [Forgotten] })).toEqual([
    'get /api/v1/forgotten',
    'get /api/v1/forgotten/other',
    'get /api/v1/forgotten/guarded',
    'get /inside/{id}',
  ]);
});
