import { describe, expect, test } from 'vitest';

/** One course of events, and what is seen of it without the quirk and with it. */
export interface Case<Scene, Quirks> {
  readonly hazard: string;
  readonly quirks: Partial<Quirks>;
  /** Of topics, where there are any: JSON unless it says another. */
  readonly kind?: 'atom' | 'json';
  readonly course: (scene: Scene) => Promise<unknown>;
  readonly without: unknown;
  readonly with: unknown;
}

/** Each quirk happens where it is switched on, and does not where it is not. Every quirk there is must have its cases. */
export function tested<Scene, Quirks>(
  cases: { readonly [Quirk in keyof Quirks]: readonly Case<Scene, Quirks>[] },
  sceneOf: (quirks: Partial<Quirks>, kind?: 'atom' | 'json') => Promise<Scene>,
): void {
  for (const [quirk, each] of Object.entries<readonly Case<Scene, Quirks>[]>(cases)) {
    describe.each(each.map((one) => [one.hazard, one] as const))(`${quirk}: %s`, (_, one) => {
      test('with the quirk', async () => {
        expect(await one.course(await sceneOf(one.quirks, one.kind))).toEqual(one.with);
      });

      test('not without it', async () => {
        expect(await one.course(await sceneOf({}, one.kind))).toEqual(one.without);
      });
    });
  }
}
