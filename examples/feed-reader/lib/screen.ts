import { styleText } from 'node:util';
import { SingleBar } from 'cli-progress';

type Style = Parameters<typeof styleText>[0];

export interface Bar {
  /** `instead` stands where the rate would, when there is none to speak of. */
  update(done: number, aside?: string, instead?: string): void;
  /** Takes the bar away and leaves a line in its place. */
  finish(line: string): void;
  /** Takes the bar away. */
  stop(): void;
}

const INDENT = '  ';
const WIDTH = 20;
/** Where nobody watches, a line now and then says that it goes on. */
const LINE_EVERY_MS = 5000;

/** What a person sees: bars and colours on a terminal, plain lines where there is none. */
export class Screen {
  readonly #stream: NodeJS.WriteStream;
  readonly #coloured: boolean;
  #bar: Bar | undefined;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#coloured = stream.isTTY && !process.env['NO_COLOR'];
  }

  style(style: Style, text: string): string {
    return this.#coloured ? styleText(style, text) : text;
  }

  line(text = ''): void {
    this.#stream.write(text === '' ? '\n' : `${INDENT}${text}\n`);
  }

  bar(total: number, unit: string): Bar {
    this.#bar?.stop();
    this.#bar = this.#stream.isTTY ? this.#drawn(total, unit) : this.#told(total, unit);
    return this.#bar;
  }

  /** Leaves the terminal as it should be, whatever was on it: the cursor shows, no bar stands half drawn. */
  close(): void {
    this.#bar?.stop();
  }

  #drawn(total: number, unit: string): Bar {
    const from = performance.now();
    let text = '';
    const format = () => `${INDENT}  ${text}`;
    const bar = new SingleBar({
      stream: this.#stream,
      format,
      hideCursor: true,
      clearOnComplete: true,
      fps: 10,
      gracefulExit: false,
    });
    bar.start(total, 0);
    return {
      update: (done, aside = '', instead = undefined) => {
        const share = Math.min(1, done / total);
        const full = Math.round(share * WIDTH);
        const drawn = `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)}`;
        const percent = `${Math.round(share * 100)}`.padStart(3);
        const figures = [`${number(done)} ${unit}`, instead ?? rate(done, from), aside];
        text = `${this.style('cyan', drawn)} ${percent} %  ${figures.filter(Boolean).join('  ')}`;
        bar.update(Math.min(done, total));
      },
      finish: (line) => {
        bar.stop();
        this.line(line);
      },
      stop: () => bar.stop(),
    };
  }

  #told(total: number, unit: string): Bar {
    const from = performance.now();
    let last = from;
    return {
      update: (done, aside = '', instead = undefined) => {
        if (performance.now() - last < LINE_EVERY_MS) return;
        last = performance.now();
        const percent = Math.min(100, Math.round((100 * done) / total));
        const figures = [`${percent} %`, `${number(done)} ${unit}`, instead ?? rate(done, from), aside];
        this.line(`  ${figures.filter(Boolean).join(', ')}`);
      },
      finish: (line) => this.line(line),
      stop: () => {},
    };
  }
}

export const number = (value: number): string => Math.round(value).toLocaleString('en-US');

const rate = (done: number, from: number): string =>
  `${number(done / Math.max(0.001, (performance.now() - from) / 1000))}/s`;
