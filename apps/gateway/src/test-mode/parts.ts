import type { Provider, Type } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { Messaging } from '@payflow/messaging';
import { DATABASE } from '@payflow/service';
import { GatewayCaches } from '../cache/gateway-caches.js';
import { SpaceSweeper } from './space-sweeper.js';
import { TestModeController } from './test-mode.controller.js';
import { TestMode } from './test-mode.js';

export const testModeControllers: readonly Type[] = [TestModeController];

export const testModeProviders: readonly Provider[] = [
  {
    provide: TestMode,
    inject: [DATABASE, Messaging, GatewayCaches],
    useFactory: (db: Database, messaging: Messaging, caches: GatewayCaches) => new TestMode(db, messaging, caches),
  },
  { provide: SpaceSweeper, inject: [DATABASE], useFactory: (db: Database) => new SpaceSweeper(db.for('relay')) },
];
