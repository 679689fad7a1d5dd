import { PATH_METADATA, METHOD_METADATA } from '@nestjs/common/constants.js';
import { RequestMethod, type Type } from '@nestjs/common';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { paymentResource } from '../../domain/payment.js';
import { AccountsController } from '../accounts.controller.js';
import { AssetsController } from '../assets.controller.js';
import { HoldsController } from '../holds.controller.js';
import { MonitoringController } from '../monitoring.controller.js';
import { PaymentsController } from '../payments.controller.js';
import { TransferGroupsController } from '../transfer-groups.controller.js';
import { TransfersController } from '../transfers.controller.js';
import { openApiDocument } from './document.js';
import { OPERATIONS } from './operations.js';
import { SCHEMAS } from './schemas.js';

const CONTROLLERS: Type[] = [
  PaymentsController,
  AccountsController,
  TransfersController,
  TransferGroupsController,
  HoldsController,
  AssetsController,
  MonitoringController,
];

function routesOf(controller: Type): string[] {
  const base = Reflect.getMetadata(PATH_METADATA, controller) as string;
  const prototype = controller.prototype as Record<string, object>;
  return Object.getOwnPropertyNames(prototype).flatMap((name) => {
    const method = Reflect.getMetadata(METHOD_METADATA, prototype[name] as object) as RequestMethod | undefined;
    if (method === undefined) return [];
    const path = Reflect.getMetadata(PATH_METADATA, prototype[name] as object) as string;
    const full = `/${base}${path === '/' ? '' : `/${path}`}`.replace(/:(\w+)/g, '{$1}');
    return [`${RequestMethod[method].toLowerCase()} ${full} ${scopeOf(prototype[name] as object)}`];
  });
}

function scopeOf(handler: object): string {
  const metadata = Reflect.getMetadataKeys(handler).map(
    (key) => Reflect.getMetadata(key, handler) as { scope?: string } | undefined,
  );
  return metadata.find((value) => typeof value === 'object' && value !== null && 'scope' in value)?.scope ?? 'none';
}

it('describes every route, with its scope, and no other', () => {
  const described = OPERATIONS.map(({ method, path, scope }) => `${method} ${path} ${scope}`).sort();
  expect(CONTROLLERS.flatMap(routesOf).sort()).toEqual(described);
});

it('refers only to schemas that are there', () => {
  const references = JSON.stringify(openApiDocument()).matchAll(/"#\/components\/schemas\/(\w+)"/g);
  for (const [, name] of references) expect(Object.keys(SCHEMAS)).toContain(name);
});

it('describes a payment as it is rendered', () => {
  const ajv = new Ajv2020({
    strict: false,
    validateFormats: false,
    schemas: [{ $id: 'api', components: { schemas: SCHEMAS } }],
  });
  const resource = paymentResource({
    tenant: 'org_1',
    livemode: false,
    id: 'pay_01m7yg4jr5ezm9ym0cwhese7x1',
    status: 'failed',
    version: 1,
    amount: '100',
    amountCaptured: '0',
    amountRefunded: '0',
    asset: 'USD',
    source: 'acct_01m7yg4jr5ezm9ym0cwhese7x1',
    destination: 'acct_01m7yg4jr5ezm9ym0cwhese7x2',
    method: { type: 'internal' },
    reference: null,
    metadata: {},
    failureCode: 'insufficient_funds',
    traceId: null,
    createdAt: '2026-11-20T12:00:00.000Z',
    updatedAt: '2026-11-20T12:00:00.000Z',
  });
  expect(ajv.validate({ $ref: 'api#/components/schemas/Payment' }, resource)).toBe(true);
});
