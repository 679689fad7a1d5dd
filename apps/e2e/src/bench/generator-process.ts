import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { GeneratorStart, StepOrder, StepResult } from './protocol.js';

/** The generator's process as the benchmark sees it. */
export class GeneratorProcess {
  private constructor(private readonly child: ChildProcess) {}

  static async start(start: GeneratorStart): Promise<GeneratorProcess> {
    const child = fork(fileURLToPath(new URL('./generator.js', import.meta.url)), { serialization: 'advanced' });
    const generator = new GeneratorProcess(child);
    await generator.ask(start);
    return generator;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Prepares a step; the returned function sends it. What is prepared costs nothing while it is measured. */
  async prepare(order: StepOrder): Promise<() => Promise<StepResult>> {
    await this.ask(order);
    return () => this.ask('go') as Promise<StepResult>;
  }

  end(): void {
    this.child.send('end');
  }

  private ask(message: GeneratorStart | StepOrder | 'go'): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null) => reject(new Error(`the generator ended with ${code}`));
      this.child.once('exit', onExit);
      this.child.once('message', (answer) => {
        this.child.off('exit', onExit);
        resolve(answer);
      });
      this.child.send(message);
    });
  }
}
