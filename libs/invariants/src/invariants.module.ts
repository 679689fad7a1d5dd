import { Inject, Injectable, Module, type DynamicModule, type OnApplicationBootstrap } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { DATABASE, Drain } from '@payflow/service';
import { CheckLoop } from './check-loop.js';
import { CheckResults } from './check-results.js';
import { DatabaseReports } from './database-reports.js';
import { InternalController } from './http/internal.controller.js';
import { INTERNAL_SECRET, InternalGuard } from './http/internal.guard.js';
import type { Invariant } from './invariant.js';

export interface InvariantsOptions {
  /** The service's own checks, those that run all the time. */
  readonly invariants: readonly Invariant[];
  /** Key of the internal tokens. */
  readonly secret: string;
}

const INVARIANTS_OF_SERVICE = Symbol('invariants');

/** Starts the checks when the service is up and ends them in its drain. */
@Injectable()
class Checks implements OnApplicationBootstrap {
  private readonly loop: CheckLoop;

  constructor(
    @Inject(DATABASE) database: Database,
    @Inject(INVARIANTS_OF_SERVICE) invariants: readonly Invariant[],
    @Inject(CheckResults) results: CheckResults,
    @Inject(Drain) drain: Drain,
  ) {
    this.loop = new CheckLoop(database.for('reports'), invariants, results);
    // Told first, waited for later: its last statement then ends while requests and consumers do.
    drain.on('requests', 'invariants', () => this.loop.end());
    drain.on('flush', 'invariants', () => this.loop.stop());
  }

  onApplicationBootstrap(): void {
    this.loop.start();
  }
}

/** A service's checks, run all the time on its own database, and its internal endpoints: invariants, tallies, positions, database. */
@Module({})
export class InvariantsModule {
  static with({ invariants, secret }: InvariantsOptions): DynamicModule {
    return {
      module: InvariantsModule,
      global: true,
      controllers: [InternalController],
      providers: [
        { provide: INTERNAL_SECRET, useValue: secret },
        { provide: INVARIANTS_OF_SERVICE, useValue: invariants },
        { provide: CheckResults, useFactory: () => new CheckResults(invariants.map(({ name }) => name)) },
        InternalGuard,
        DatabaseReports,
        Checks,
      ],
      exports: [INTERNAL_SECRET, InternalGuard, CheckResults, DatabaseReports],
    };
  }
}
