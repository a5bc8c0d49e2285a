import { callbackOf, type Web } from './push.ts';

/** What became of the updates that the news sites published during the whole journey, and of the subscriptions. */
export interface Updates {
  readonly subscriptions: number;
  /** Of these, posted to at their new URL, and at no other. */
  readonly switched: number;
  readonly published: number;
  /** Of these, applied, once or more. */
  readonly applied: number;
  /** Applications beyond an update's first. */
  readonly twice: number;
  /** Applied, and never published. */
  readonly invented: number;
  readonly holds: boolean;
}

/** Until all that was published has been applied: what failed is sent again after a while. Gives up after `mostMs`. */
export async function untilApplied(applied: () => number, published: number, mostMs: number): Promise<void> {
  for (const until = performance.now() + mostMs; applied() < published && performance.now() < until; )
    await new Promise((done) => setTimeout(done, 50));
}

/** By the publishers' own count, the hub's own list and the application's own log: the engine is not asked. */
export function compare(
  web: Web,
  published: ReadonlyMap<string, number>,
  postsTo: ReadonlySet<string>,
  log: readonly (readonly [string, number])[],
  subscriptions: readonly string[],
): Updates {
  const isSwitched = (push: string) =>
    postsTo.has(callbackOf(web, 'new', push)) && !postsTo.has(callbackOf(web, 'old', push));
  const distinct = new Map(log.map((each) => [each.join(' '), each]));
  const real = [...distinct.values()].filter(([push, number]) => number >= 1 && number <= (published.get(push) ?? 0));
  const counted = {
    subscriptions: subscriptions.length,
    switched: subscriptions.filter(isSwitched).length,
    published: totalOf(published),
    applied: real.length,
    twice: log.length - distinct.size,
    invented: distinct.size - real.length,
  };
  const complete = counted.switched === counted.subscriptions && counted.applied === counted.published;
  return { ...counted, holds: complete && counted.twice + counted.invented === 0 };
}

export const totalOf = (published: ReadonlyMap<string, number>): number =>
  [...published.values()].reduce((sum, last) => sum + last, 0);
