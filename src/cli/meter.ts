import cliProgress from 'cli-progress';
import { count, duration, many, percent } from './format.ts';
import { columnsOf, type Io } from './io.ts';

/** One look at work that goes on. */
export interface Point {
  /** What is under way, as `feeds.1 copying, sweep 2`. A new name begins a new bar. */
  readonly name: string;
  readonly done: number;
  /** What `done` will be at the end, as far as can be told. */
  readonly total?: number | undefined;
}

/** Shows progress: bars on a terminal, a line a second otherwise, nothing where a machine reads. */
export interface Meter {
  /** How often a look is worth it. */
  readonly everyMs: number;
  show(point: Point): void;
  stop(): void;
}

export function meterFor(io: Io, json: boolean): Meter {
  if (json) return { everyMs: 60_000, show() {}, stop() {} };
  return columnsOf(io.err) > 0 ? bars(io) : lines(io);
}

/** Rate since the name was first seen, so that what was done before this process came counts for nothing. */
class Pace {
  readonly name: string;
  readonly #since: number;
  readonly #from: number;
  point: Point;

  constructor(point: Point, now: number) {
    this.name = point.name;
    this.#since = now;
    this.#from = point.done;
    this.point = point;
  }

  /** 0 to 1; undefined when the total is not known. */
  get share(): number | undefined {
    const { done, total } = this.point;
    return total === undefined ? undefined : total > 0 ? Math.min(1, done / total) : 1;
  }

  /** `12,750 of about 60,000, 10,796/s, 4 s left` */
  figures(now: number, about = 'about '): string {
    const { done, total } = this.point;
    const perSecond = ((done - this.#from) * 1000) / Math.max(1, now - this.#since);
    const parts = [
      total === undefined || done >= total ? many(done, 'record') : `${count(done)} of ${about}${count(total)}`,
    ];
    if (perSecond >= 1) parts.push(`${count(perSecond)}/s`);
    if (perSecond >= 1 && total !== undefined && done < total) {
      parts.push(`${duration(((total - done) * 1000) / perSecond)} left`);
    }
    return parts.join(', ');
  }
}

const PLAIN_MS = 1000;
const BAR_MS = 100;

function lines({ err, clock }: Io): Meter {
  let pace: Pace | undefined;
  let printedAt = clock.now();
  const print = (now: number) => {
    const share = pace!.share;
    err.write(`${pace!.name}: ${share === undefined ? '' : `${percent(share)}, `}${pace!.figures(now)}\n`);
    printedAt = now;
  };
  return {
    everyMs: PLAIN_MS,
    show(point) {
      const now = clock.now();
      if (pace?.name !== point.name) pace = new Pace(point, now);
      pace.point = point;
      if (now - printedAt >= PLAIN_MS) print(now);
    },
    stop() {},
  };
}

function bars({ err, clock }: Io): Meter {
  let pace: Pace | undefined;
  let bar: cliProgress.SingleBar | undefined;
  // Grows only, so that the bar does not jump about.
  let figuresWidth = 0;
  const format = () => {
    const { name, share } = pace!;
    const figures = pace!.figures(clock.now(), '~');
    if (share === undefined) return `${name}  ${figures}`;
    figuresWidth = Math.max(figuresWidth, figures.length);
    const width = Math.min(40, columnsOf(err) - name.length - figuresWidth - 12);
    const full = Math.round(share * width);
    const drawn = width < 8 ? '' : `${'█'.repeat(full)}${'░'.repeat(width - full)}  `;
    return `${name}  ${drawn}${percent(share).padStart(5)}  ${figures}`;
  };
  const stop = () => {
    bar?.stop();
    bar = undefined;
  };
  return {
    everyMs: BAR_MS,
    show(point) {
      if (pace?.name !== point.name) {
        stop();
        pace = new Pace(point, clock.now());
        figuresWidth = 0;
        bar = new cliProgress.SingleBar({ stream: err as NodeJS.WriteStream, format, hideCursor: true, fps: 10 });
        bar.start(1, 0);
      }
      pace.point = point;
      bar?.update(0);
    },
    stop,
  };
}
