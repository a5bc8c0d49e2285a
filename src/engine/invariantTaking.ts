import type { Clock } from '../clock.ts';
import type { Invariant } from '../define/invariant.ts';
import type { Migration } from '../define/migration.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Store } from '../store/store.ts';
import { versionUnder } from './campaigns.ts';
import { documentKey, load } from './documents.ts';
import { passOver } from './invariantPass.ts';
import type { InvariantResult, Taking } from './invariantSchema.ts';
import { type Differences, signatureOf, type Tally } from './invariantTotals.ts';
import type { BaselineDocument, CampaignDocument } from './schemas.ts';
import { uniform } from './targets.ts';

export interface TakeOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly migration: Migration;
  readonly by: string;
  readonly signal?: AbortSignal | undefined;
  /** See `PassOptions`. */
  readonly turn?: () => Promise<void>;
  readonly version?: number | undefined;
}

/**
 * Takes all invariants of a campaign. Where the store shows many pages of one moment, one pass tells. Where it does not, a
 * total that holds in one pass holds, for no write of the application is to break it; and a difference is believed only
 * when several passes in a row find the same one, for a writer that was passed by halfway makes another one each time.
 */
export async function takeInvariants(given: TakeOptions, campaign: CampaignDocument): Promise<Taking> {
  const options = { ...given, version: versionUnder(campaign) };
  const { store, clock, migration, by } = options;
  const invariants = invariantsOf(migration, campaign);
  const { generation, sweep, stage, id } = campaign;
  const baseline = invariants.some(({ must }) => must === 'stay')
    ? (await load(store, 'baseline', documentKey('baseline', id, 'start')))?.value
    : undefined;
  const at = clock.now();
  const taken =
    (await atOneMoment(options, id, invariants, baseline)) ?? (await byPasses(options, id, invariants, baseline));
  const state = (['broken', 'unsettled'] as const).find((s) => taken.results.some((one) => one.state === s)) ?? 'held';
  return { at, state, ...taken, by, generation, sweep, stage };
}

/** Where everything is to be at home nothing stands that the old shape could be compared with. */
function invariantsOf({ invariants }: Migration, { targets }: CampaignDocument): readonly Invariant[] {
  return uniform(targets) === 'home' ? invariants.filter(({ must }) => must !== 'match') : invariants;
}

type Taken = Pick<Taking, 'moment' | 'passes' | 'results'>;

/** Undefined where the store does not hold one for as long as a pass takes. */
async function atOneMoment(
  options: TakeOptions,
  campaign: string,
  invariants: readonly Invariant[],
  baseline: BaselineDocument | undefined,
): Promise<Taken | undefined> {
  const tallies = await talliesOfOneMoment(options, campaign, invariants);
  const results = tallies?.map((tally) => {
    const { differing, failed } = judge(tally, baseline);
    return tally.result(failed || differing.size > 0 ? 'broken' : 'held', differing);
  });
  return results && { moment: true, passes: 1, results };
}

async function talliesOfOneMoment(options: TakeOptions, campaign: string, invariants: readonly Invariant[]) {
  const { store } = options;
  if (!store.capabilities.snapshotScans) return undefined;
  try {
    return await store.atOneMoment((view) => passOver(passing(options, campaign, invariants), view));
  } catch (error) {
    if (error instanceof HandoverError && error.code === 'store.moment') return undefined;
    throw error;
  }
}

function passing(
  { store, migration, version, turn = async () => {} }: TakeOptions,
  campaign: string,
  invariants: readonly Invariant[],
) {
  return { store, migration, version, campaign, invariants, turn };
}

/** What is wrong with it. One that cannot be computed is broken, whatever its totals are. */
function judge(tally: Tally, baseline: BaselineDocument | undefined): { differing: Differences; failed: boolean } {
  const { name, must } = tally.invariant;
  const before = must === 'stay' ? baseline?.totals[name] : undefined;
  if (before?.failure !== undefined) tally.failure ??= `when the campaign began: ${before.failure}`;
  if (must === 'stay' && !before) tally.failure ??= 'nobody knows what the campaign began with';
  const differing: Differences = tally.failure === undefined ? tally.differences(before?.groups) : new Map();
  return { differing, failed: tally.failure !== undefined };
}

async function byPasses(
  options: TakeOptions,
  campaign: string,
  invariants: readonly Invariant[],
  baseline: BaselineDocument | undefined,
): Promise<Taken> {
  const results = new Map<Invariant, InvariantResult>();
  const suspicions = new Map<Invariant, Suspicion>();
  let passes = 0;
  for (let open = invariants; open.length > 0 && passes < LIMITS.invariantPassesMost; passes++) {
    if (passes > 0) await options.clock.sleep(LIMITS.invariantPauseMs, options.signal);
    for (const tally of await passOver(passing(options, campaign, open))) {
      const { invariant } = tally;
      const { differing, failed } = judge(tally, baseline);
      const suspicion = suspect(invariant, differing, suspicions.get(invariant));
      suspicions.set(invariant, suspicion);
      const isSure = failed || suspicion.inRow >= LIMITS.invariantPasses;
      const state = isSure ? 'broken' : differing.size === 0 ? 'held' : 'unsettled';
      results.set(invariant, tally.result(state, isSure ? suspicion.same : differing));
    }
    open = open.filter((invariant) => results.get(invariant)!.state === 'unsettled');
  }
  return { moment: false, passes, results: invariants.map((invariant) => results.get(invariant)!) };
}

interface Suspicion {
  /** What was found just as it is in each of so many passes. */
  readonly same: Differences;
  readonly inRow: number;
}

/**
 * What compares two shapes of the same records is not disturbed by writers: whatever its difference is, it is one. It grows
 * with every record that is written meanwhile.
 */
function suspect({ must }: Invariant, differing: Differences, before: Suspicion | undefined): Suspicion {
  const same: Differences = new Map(
    [...differing].filter(([group, found]) => {
      const earlier = before?.same.get(group);
      return earlier && (must === 'match' || signatureOf(earlier) === signatureOf(found));
    }),
  );
  return same.size > 0 ? { same, inRow: before!.inRow + 1 } : { same: differing, inRow: differing.size > 0 ? 1 : 0 };
}

/**
 * What the invariants that must stay begin with. Without one moment, as two passes in a row find it: nobody is to write
 * these records, and no worker moves one yet.
 */
export async function takeBaseline(options: TakeOptions, campaign: string): Promise<BaselineDocument['totals']> {
  const staying = options.migration.invariants.filter(({ must }) => must === 'stay');
  const one = await talliesOfOneMoment(options, campaign, staying);
  if (one) return storedOf(one);
  let before: string | undefined;
  for (let pass = 0; pass < LIMITS.invariantPassesMost; pass++) {
    const totals = storedOf(await passOver(passing(options, campaign, staying)));
    const now = JSON.stringify(totals);
    if (now === before) return totals;
    before = now;
    await options.clock.sleep(LIMITS.invariantPauseMs, options.signal);
  }
  return failing(staying, 'records kept changing');
}

function storedOf(tallies: readonly Tally[]): BaselineDocument['totals'] {
  const totals = Object.fromEntries(tallies.map((tally) => [tally.invariant.name, tally.stored()]));
  if (Buffer.byteLength(JSON.stringify(totals)) <= LIMITS.invariantBaselineBytes) return totals;
  const names = tallies.map(({ invariant }) => invariant);
  return failing(names, `invariant.groups: their totals are more than ${LIMITS.invariantBaselineBytes} bytes`);
}

const failing = (invariants: readonly Invariant[], failure: string): BaselineDocument['totals'] =>
  Object.fromEntries(invariants.map(({ name }) => [name, { groups: [], failure }]));

/** For people: the first thing that is wrong. */
export function brokenText({ results }: Taking): string {
  const broken = results.filter(({ state }) => state === 'broken');
  const [{ name, failure, differences, differing }] = broken as [InvariantResult];
  const [first] = differences;
  const where = first?.group === undefined ? '' : `${first.group}: `;
  const what = failure ?? `${where}${first!.found} where ${first!.expected} is expected`;
  const more = differing > 1 ? `, and ${differing - 1} more` : '';
  const others = broken.length > 1 ? `; ${broken.length} are broken in all` : '';
  return `invariant ${JSON.stringify(name)} is broken: ${what}${more}${others}`;
}
