import type { Dispatch, Hint } from '../dispatch/dispatch.ts';
import { LIMITS } from '../limits.ts';
import type { Choices } from './choices.ts';
import type { Process } from './schedule.ts';

interface Message {
  readonly hint: Hint;
  /** Who was given it last. */
  holder?: Process | undefined;
  /** By the clock that nobody sets: then it is given to somebody else. */
  until: number;
}

/**
 * A dispatch that keeps no promise: messages come in any order, some twice, some never, some again although somebody has
 * them in hand; those of who died come to somebody else. All of it is chosen by the seed; until faults end, nothing more is
 * lost or doubled then.
 */
export class Post {
  readonly #choices: Choices;
  readonly #tell: (line: string) => void;
  readonly #messages = new Set<Message>();
  isCalm = false;

  constructor(choices: Choices, tell: (line: string) => void) {
    this.#choices = choices;
    this.#tell = tell;
  }

  dispatchOf(process: Process): Dispatch {
    return {
      name: 'post',
      publish: async (hints) => {
        await process.turn(Number.POSITIVE_INFINITY, 'plainly');
        for (const hint of hints) this.#take(hint);
      },
      receive: async (work, { lanes, signal }) => {
        const lane = async () => {
          while (!signal.aborted) {
            await process.turn(Number.POSITIVE_INFINITY, 'plainly');
            const message = this.#next(process);
            if (!message) await process.clock.sleep(LIMITS.idleMs, signal);
            else if ((await work(message.hint)) === 'done') this.#messages.delete(message);
            else message.holder = undefined;
          }
        };
        await Promise.all(Array.from({ length: lanes }, lane));
      },
      setAside: async () => undefined,
      close: async () => undefined,
    };
  }

  #take(hint: Hint): void {
    const fate = this.isCalm ? 'once' : this.#choices.of(FATES);
    const copies = fate === 'lost' ? 0 : fate === 'twice' ? 2 : 1;
    if (copies !== 1)
      this.#tell(`the message for ${hint.sweep} ${hint.range} is ${fate === 'lost' ? fate : 'doubled'}`);
    for (let i = 0; i < copies; i++) this.#messages.add({ hint, until: 0 });
  }

  #next(process: Process): Message | undefined {
    const now = process.clock.ticks();
    const waiting = [...this.#messages].filter(({ holder, until }) => !holder || holder.isDead || until <= now);
    if (waiting.length === 0) return undefined;
    const message = this.#choices.of(waiting);
    message.holder = process;
    // Shorter than most ranges take, now and then: then two have it.
    message.until = now + this.#choices.of(LEASES_MS);
    return message;
  }
}

const FATES = ['once', 'once', 'once', 'twice', 'lost'] as const;
const LEASES_MS = [0, 300, LIMITS.messageMs] as const;
