import type { Claim } from './claim.ts';
import { isSuspect } from './openRanges.ts';
import type { RangeLook } from './ranges.ts';

/** One range that a worker has in hand. */
export class RangeInHand {
  readonly isSuspect: boolean;
  /** Whether a page of it was done by this worker. */
  isProven = false;
  /** Unset while it is being claimed. */
  claim: Pick<Claim, 'isKept'> | undefined;

  constructor({ stored }: RangeLook) {
    this.isSuspect = isSuspect(stored?.value);
  }
}

/**
 * All that one worker has in hand. A process that dies over a page dies with all of it, and nobody can tell which range it
 * was. So one that some have taken and got nowhere with is a suspect: it is taken when a page of all else in hand was done,
 * which has tries to spare then, and nothing is taken beside it until a page of it was. Who dies meanwhile has died over
 * that one, and no other is set aside for it.
 */
export class InHand {
  readonly #ranges = new Set<RangeInHand>();

  /** Those of them that may be taken just now: suspects come last. */
  among(free: readonly RangeLook[]): readonly RangeLook[] {
    // What hangs has lost its claim by now, and holds up nothing else.
    const unproven = [...this.#ranges].filter(({ isProven, claim }) => !isProven && (claim?.isKept ?? true));
    if (unproven.some((range) => range.isSuspect)) return [];
    const sound = free.filter(({ stored }) => !isSuspect(stored?.value));
    return sound.length > 0 || unproven.length > 0 ? sound : free;
  }

  /** Before it is claimed, so that no other lane takes one meanwhile. */
  take(range: RangeLook): RangeInHand {
    const taken = new RangeInHand(range);
    this.#ranges.add(taken);
    return taken;
  }

  end(range: RangeInHand): void {
    this.#ranges.delete(range);
  }
}
