import cliProgress from 'cli-progress';
import { count, duration, percent } from './format.ts';
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

  text(now: number): { share: number; figures: string } {
    const { done, total } = this.point;
    const perSecond = ((done - this.#from) * 1000) / Math.max(1, now - this.#since);
    const share = total ? Math.min(1, done / total) : 0;
    const left = total !== undefined && perSecond > 0 && done < total ? ((total - done) * 1000) / perSecond : undefined;
    const figures = [
      total === undefined
        ? `${count(done)} records`
        : `${count(done)} of about ${count(Math.max(done, total))} records`,
      perSecond > 0 ? `${count(perSecond)}/s` : '',
      left === undefined ? '' : `${duration(left)} left`,
    ];
    return { share, figures: figures.filter(Boolean).join(', ') };
  }
}

const PLAIN_MS = 1000;
const BAR_MS = 100;

function lines({ err, clock }: Io): Meter {
  let pace: Pace | undefined;
  let printedAt = clock.now();
  const print = (now: number) => {
    const { share, figures } = pace!.text(now);
    err.write(`${pace!.name}: ${pace!.point.total === undefined ? '' : `${percent(share)}, `}${figures}\n`);
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
  const format = () => {
    const { share, figures } = pace!.text(clock.now());
    if (pace!.point.total === undefined) return `${pace!.name}  ${figures}`;
    const room = columnsOf(err) - pace!.name.length - figures.length - 12;
    const width = Math.min(40, room);
    const full = Math.round(share * width);
    const drawn = width < 8 ? '' : `${'█'.repeat(full)}${'░'.repeat(width - full)}  `;
    return `${pace!.name}  ${drawn}${percent(share).padStart(5)}  ${figures}`;
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
        bar = new cliProgress.SingleBar({ stream: err as NodeJS.WriteStream, format, hideCursor: true, fps: 10 });
        bar.start(1, 0);
      }
      pace.point = point;
      bar?.update(0);
    },
    stop,
  };
}
