import { createWriteStream } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Child } from './child.ts';

/** What its log says of itself. */
interface Line {
  readonly event?: string;
  readonly url?: string;
}

// The command line knows nothing of a parent: when the demo is gone, however it went, nobody needs the page any more.
const ENDS_WITH_PARENT = `process.on('disconnect', () => process.kill(process.pid, 'SIGTERM')); process.channel.unref();`;

/**
 * `handover serve`, with this example's configuration, as a process of its own: the admin API and the page, on loopback.
 * The worker is another process, and the application itself receives what is posted to it.
 */
export class ServerProcess {
  readonly child: Child<never>;
  /** Its address. Rejects when it does not get that far. */
  readonly url: Promise<string>;

  constructor(folder: string, port: number, logFile: string) {
    const config = resolve(import.meta.dirname, '../handover.config.ts');
    const args = [
      'serve',
      '--config',
      config,
      '--host',
      '127.0.0.1',
      '--port',
      `${port}`,
      '--no-worker',
      '--no-receiver',
    ];
    this.child = new Child('server', folder, args, () => {}, {
      file: commandLine(),
      execArgv: ['--import', `data:text/javascript,${encodeURIComponent(ENDS_WITH_PARENT)}`],
    });
    const log = createWriteStream(logFile);
    this.url = new Promise((done, failed) => {
      const said: string[] = [];
      createInterface({ input: this.child.errors! }).on('line', (line) => {
        log.write(`${line}\n`);
        const { event, url } = parsed(line);
        if (event === 'server.started') done(url!);
        else if (event === undefined) said.push(line.trim());
      });
      this.child.ended.catch(({ message }) => failed(new Error([message, ...said].join('\n  '))));
    });
    // Who waits for it learns of a failure.
    this.url.catch(() => {});
  }
}

function parsed(line: string): Line {
  try {
    return JSON.parse(line) as Line;
  } catch {
    return {};
  }
}

/** `handover`, of the package that the example imports. */
function commandLine(): string {
  const require = createRequire(import.meta.url);
  const { bin } = require('handover/package.json') as { bin: { handover: string } };
  return join(dirname(require.resolve('handover/package.json')), bin.handover);
}
