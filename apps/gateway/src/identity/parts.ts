import type { Provider, Type } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { DATABASE } from '@payflow/service';
import { GatewayCaches } from '../cache/gateway-caches.js';
import type { GatewayConfiguration } from '../gateway.config.js';
import { ApiKeysController } from '../http/identity/api-keys.controller.js';
import { AuthController } from '../http/identity/auth.controller.js';
import { UsersController } from '../http/identity/users.controller.js';
import { ManagedKeys } from './api-keys.js';
import { LoginGuard } from './login-guard.js';
import { Logins } from './logins.js';
import { OwnWrites } from './own-writes.js';
import { Passwords } from './passwords.js';
import { Users } from './users.js';
import { Watch } from '../watch/watch.js';

export const identityControllers: readonly Type[] = [AuthController, UsersController, ApiKeysController];

/** Who may come in, and what looks after them. */
export function identityProviders(config: GatewayConfiguration): Provider[] {
  const { PAYFLOW_INTERNAL_SECRET: secret } = config;
  const lives = {
    access_s: config.PAYFLOW_ACCESS_TOKEN_LIFE / 1_000,
    refresh_s: config.PAYFLOW_SESSION_LIFE / 1_000,
  };
  return [
    {
      provide: OwnWrites,
      inject: [DATABASE, GatewayCaches],
      useFactory: (db: Database, caches: GatewayCaches) => new OwnWrites(db, caches, secret),
    },
    { provide: Passwords, useFactory: () => new Passwords() },
    {
      provide: Logins,
      inject: [DATABASE, GatewayCaches, Passwords, Watch],
      useFactory: (db: Database, caches: GatewayCaches, passwords: Passwords, watch: Watch) =>
        new Logins(db, caches, passwords, new LoginGuard(db, secret), watch, lives),
    },
    {
      provide: Users,
      inject: [DATABASE, Passwords, Logins],
      useFactory: (db: Database, passwords: Passwords, logins: Logins) => new Users(db, passwords, logins),
    },
    { provide: ManagedKeys, inject: [DATABASE], useFactory: (db: Database) => new ManagedKeys(db) },
  ];
}
