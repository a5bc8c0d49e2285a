/**
 * What a page, a range or a sweep came to. Keys are `S.<state>` or `T.<state>`, `F.<state>` (of
 * records that are rewritten in place), `subscription:<state>`, `seen`, `moved`
 * (records) and `moves`, `topicless` (subscriptions whose topic failed, or says what was not delivered), `unresolved` (kept
 * changing; `waiting`: the part of it that waits for subscriptions), `doubtful` (may have been moved by what nobody
 * counted), `quarantined`.
 */
export type Counts = Record<string, number>;

export const add = (into: Counts, name: string, by = 1): void => {
  into[name] = (into[name] ?? 0) + by;
};

export function addAll(into: Counts, counts: Readonly<Counts>): void {
  for (const [name, n] of Object.entries(counts)) add(into, name, n);
}

/**
 * Records per state. Each is counted once a sweep: in its old home, or, where that holds nothing of it, in its new home.
 * What rests at `completed` is counted again by the sweep of the new home.
 */
export function statesOf(counts: Counts): Record<string, number> {
  const states: Record<string, number> = {};
  for (const [name, n] of Object.entries(counts)) {
    const [home, state] = name.split('.');
    if (state === undefined || (state === 'completed' && home === 'S')) continue;
    states[state] = (states[state] ?? 0) + n;
  }
  const moved = Math.max(counts['S.completed'] ?? 0, counts['T.completed'] ?? 0);
  const completed = moved + (counts['F.completed'] ?? 0);
  return completed > 0 ? { ...states, completed } : states;
}

/** Records per state that are rewritten in place. */
export function inPlaceOf(counts: Counts): Record<string, number> {
  const found = Object.entries(counts).filter(([name]) => name.startsWith('F.'));
  return Object.fromEntries(found.map(([name, n]) => [name.slice(2), n]));
}

/** Subscriptions per state. */
export function subscriptionsOf(counts: Counts): Record<string, number> {
  const states: Record<string, number> = {};
  for (const [name, n] of Object.entries(counts)) {
    const [what, state] = name.split(':');
    if (what === 'subscription' && state !== undefined) states[state] = n;
  }
  return states;
}

/** How many records a sweep counted that are not quarantined. An insert that was only announced is none yet. */
export function populationOf(counts: Counts): number {
  const { birth: _, ...states } = statesOf(counts);
  return Object.values(states).reduce((sum, n) => sum + n, 0);
}

/** Subscriptions that the sweep proves nothing of yet. */
export function waitFor(counts: Counts, subscriptions: number): void {
  if (subscriptions === 0) return;
  add(counts, 'unresolved', subscriptions);
  add(counts, 'waiting', subscriptions);
}
