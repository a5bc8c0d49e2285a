import type { Claim } from './claim.ts';
import { isSuspect } from './openRanges.ts';
import type { RangeLook } from './ranges.ts';

/** A range in hand. */
export interface Hold {
  /** It is in hand for as long as this claim is kept: what hangs holds up nothing else. */
  by(claim: Pick<Claim, 'isKept'>): void;
  /** A page of it was done: it is as good as any. */
  cleared(): void;
  end(): void;
}

/**
 * The ranges of a campaign that one worker has in hand. A process that dies over a page dies with all of them, and nobody
 * can tell which one it was. So a range that some have taken and got nowhere with is taken alone: who dies then has died
 * over that one, and no other is set aside for it.
 */
export class InHand {
  readonly #holds = new Set<{ alone: boolean; claim: Pick<Claim, 'isKept'> | undefined }>();

  /** Those that may be taken just now. */
  among(free: readonly RangeLook[]): readonly RangeLook[] {
    if (this.isAlone) return [];
    const others = free.filter(({ stored }) => !isSuspect(stored?.value));
    // A suspect is the last to be taken.
    return others.length > 0 || this.#kept.length > 0 ? others : free;
  }

  /** Whether it is a suspect that is in hand. */
  get isAlone(): boolean {
    return this.#kept.some(({ alone }) => alone);
  }

  get #kept() {
    return [...this.#holds].filter(({ claim }) => claim?.isKept ?? true);
  }

  /** Before it is claimed, so that no other lane takes one meanwhile. */
  take({ stored }: RangeLook): Hold {
    const hold: { alone: boolean; claim: Pick<Claim, 'isKept'> | undefined } = {
      alone: isSuspect(stored?.value),
      claim: undefined,
    };
    this.#holds.add(hold);
    return {
      by: (claim) => {
        hold.claim = claim;
      },
      cleared: () => {
        hold.alone = false;
      },
      end: () => void this.#holds.delete(hold),
    };
  }
}
