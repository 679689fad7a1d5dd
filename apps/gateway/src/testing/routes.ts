import { RequestMethod, type DynamicModule, type Type } from '@nestjs/common';
import { GUARDS_METADATA, METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';
import type { RouteAccess } from '../http/edge/authentication.js';

/** A route as the built module has it. */
export interface BuiltRoute {
  /** `get /api/v1/payments/{id}`. */
  readonly name: string;
  readonly access: Partial<Record<'scope' | 'signed' | 'open' | 'bodyOptional', unknown>> | undefined;
  /** Whether a guard of Nest's stands before it. */
  readonly hasGuard: boolean;
}

/** Every route of a module and of all that it imports. */
export function routesOf(module: DynamicModule): BuiltRoute[] {
  const imported = (module.imports ?? []).filter((one): one is DynamicModule => 'module' in one);
  return [...(module.controllers ?? []).flatMap(routesOfController), ...imported.flatMap(routesOf)];
}

/** Those that say of nobody that he may pass: no scope, no signature, not open on purpose, and no guard. */
export function unguarded(module: DynamicModule): string[] {
  return routesOf(module)
    .filter(({ access, hasGuard, name }) => !(isApi(name) ? isDeclared(access) : hasGuard))
    .map(({ name }) => name);
}

function isApi(name: string): boolean {
  return name.includes(' /api/');
}

function isDeclared(access: BuiltRoute['access']): boolean {
  const { scope, signed, open } = (access ?? {}) as Record<keyof RouteAccess | 'scope' | 'signed' | 'open', unknown>;
  return typeof scope === 'string' || signed === true || open === true;
}

function routesOfController(controller: Type): BuiltRoute[] {
  const base = Reflect.getMetadata(PATH_METADATA, controller) as string;
  const prototype = controller.prototype as Record<string, object>;
  const ofAll = Reflect.hasMetadata(GUARDS_METADATA, controller);
  return Object.getOwnPropertyNames(prototype).flatMap((name): BuiltRoute[] => {
    const handler = prototype[name] as object;
    const method = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
    if (method === undefined) return [];
    const path = Reflect.getMetadata(PATH_METADATA, handler) as string;
    const full = `/${base}/${path}`.replaceAll(/\/+/g, '/').replace(/(.)\/$/, '$1');
    return [
      {
        name: `${RequestMethod[method].toLowerCase()} ${full.replaceAll(/:(\w+)/g, '{$1}')}`,
        access: Reflect.getMetadata(FASTIFY_ROUTE_CONFIG_METADATA, handler) as BuiltRoute['access'],
        hasGuard: ofAll || Reflect.hasMetadata(GUARDS_METADATA, handler),
      },
    ];
  });
}
