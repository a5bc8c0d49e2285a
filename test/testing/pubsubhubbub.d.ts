/** What our tests use of it; the package has no types. */
declare module 'pubsubhubbub' {
  import type { EventEmitter } from 'node:events';
  import type { Server } from 'node:http';

  interface Subscriber extends EventEmitter {
    readonly server: Server;
    callbackUrl: string;
    listen(port: number, host: string): void;
    subscribe(topic: string, hub: string, callback: (error: Error | null) => void): void;
    unsubscribe(topic: string, hub: string, callback: (error: Error | null) => void): void;
  }
  const pubsubhubbub: { createServer(options: { callbackUrl: string; leaseSeconds?: number }): Subscriber };
  export default pubsubhubbub;
}
