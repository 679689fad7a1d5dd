import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A wire to a server that is far away: what is sent arrives so much later, in order, both ways. */
export class Distance {
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((near) => this.join(near));
  private port = 0;

  constructor(
    private readonly target: URL,
    private readonly oneWay_ms: number,
  ) {}

  /** The target's URL over the wire. */
  get url(): string {
    return Object.assign(new URL(this.target), { host: `127.0.0.1:${this.port}` }).toString();
  }

  async open(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private join(near: Socket): void {
    const far = connect(Number(this.target.port), this.target.hostname);
    this.carry(near, far);
    this.carry(far, near);
  }

  private carry(from: Socket, to: Socket): void {
    this.sockets.add(from);
    from.setNoDelay(true);
    from.on('error', () => undefined);
    from.on('data', (bytes) => setTimeout(() => to.write(bytes), this.oneWay_ms));
    from.on('close', () => {
      this.sockets.delete(from);
      setTimeout(() => to.destroy(), this.oneWay_ms);
    });
  }
}
