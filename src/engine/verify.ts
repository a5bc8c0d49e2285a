import type { RecordState } from '../../machines/record.ts';
import type { Clock } from '../clock.ts';
import type { EntityRule } from '../define/entity.ts';
import type { Migration } from '../define/migration.ts';
import { viewOf } from '../define/parts.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { Key } from '../record/key.ts';
import { checkKey } from '../store/check.ts';
import type { Entity, Store } from '../store/store.ts';
import { versionUnder } from './campaigns.ts';
import { nextMove } from './decide.ts';
import { documentKey, load, save } from './documents.ts';
import { hasInvariants } from './invariants.ts';
import { takeInvariants } from './invariantTaking.ts';
import type { Item } from './item.ts';
import { lookAgain, lookAtPeers } from './looks.ts';
import { mismatch, type Pair, pairOf, peerOf, roleOf, stateOf } from './pair.ts';
import { keepProof, stamp } from './proof.ts';
import { groupsHeldBack, quarantined } from './quarantine.ts';
import type { CampaignDocument } from './schemas.ts';
import { firstField, homeRange } from './sweep.ts';
import { targetAt } from './targets.ts';
import { undeclaredIn } from './undeclared.ts';
import { verifyFields } from './verifyFields.ts';
import { type Lost, verifyReferences } from './verifyReferences.ts';
import { type Finding, note, type VerifyReport } from './verifyReport.ts';
import { verifySubscriptions } from './verifySubscriptions.ts';

export type { VerifyReport } from './verifyReport.ts';

export interface VerifyOptions {
  readonly clock: Clock;
  /** Forgets the checkpoint of a verification that was interrupted. */
  readonly restart?: boolean;
  readonly onProgress?: (seen: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Verifies a campaign. Checkpointed after each page: one that is interrupted goes on where it was. Throws
 * `campaign.stripped` where nothing tells any more which entities the campaign has moved.
 */
export async function verify(
  given: Store,
  migration: Migration,
  campaign: CampaignDocument,
  options: VerifyOptions,
): Promise<VerifyReport> {
  if (campaign.closed && campaign.strip) {
    throw new HandoverError('campaign.stripped', `Campaign ${campaign.id} was stripped, or is being.`);
  }
  const store = viewOf(given, migration);
  const key = documentKey('verify', campaign.id, 'run');
  const steps = [
    ...migration.records.flatMap((rule, index) => [
      { rule, index, home: 'S' as const },
      { rule, index, home: 'T' as const },
    ]),
    ...migration.fields.map((field, i) => ({ field, index: firstField(migration) + i, home: 'S' as const })),
  ];
  const restart = options.restart || migration.references.length > 0;
  const stored = await load(store, 'verify', key);
  const saved = restart ? undefined : stored;
  const resumed =
    saved && saved.value.step < steps.length && saved.value.of === stamp(campaign) ? saved.value : undefined;
  const report = (resumed?.report as VerifyReport | undefined) ?? emptyReport(campaign, options.clock.now());
  const heldBack = migration.by === 'group' ? await groupsHeldBack(store, campaign) : new Set<string>();
  // What led nowhere is remembered while records are gone through: a verification of references begins anew.
  const lost =
    migration.references.length > 0
      ? await verifyReferences({ store, migration, campaign, report, ...options })
      : undefined;
  const proof = stored?.value.proof;
  const kept = proof ? { proof } : {};
  let version = stored?.version;
  let cursor = resumed?.cursor;
  for (let step = resumed?.step ?? 0; step < steps.length; step++) {
    const { index, home, ...about } = steps[step]!;
    for (let more = true; more && !options.signal?.aborted; ) {
      const from = cursor === undefined ? {} : { after: Key.parse(cursor) };
      const page = await store.scan({ ...homeRange(migration, index, home), ...from }, LIMITS.pageSize);
      if ('field' in about) await verifyFields(page.entities, about.field, { store, campaign, report });
      else
        await verifyPage(page.entities, { store, migration, campaign, heldBack, lost, rule: about.rule, home, report });
      options.onProgress?.(report.seen);
      more = page.more;
      cursor = more ? page.entities[page.entities.length - 1]!.key.toString() : undefined;
      const at = more ? { step, cursor: cursor! } : { step: step + 1 };
      const document = { v: 1 as const, of: stamp(campaign), startedAt: report.at, ...at, report, ...kept };
      // Two verifications at once: the loser goes on without checkpoints, its own numbers are right all the same.
      const saved = await save<'verify'>(store, key, document, version);
      if (saved.status === 'applied') version = saved.version;
    }
    if (options.signal?.aborted)
      throw new HandoverError('wait.interrupted', 'Verification stopped; it can be resumed.');
  }
  const wrong = report.inFlight + report.duplicates + report.gaps + report.missing + report.stale + report.orphans;
  if (migration.subscriptions.length > 0)
    report.subscriptions = await verifySubscriptions(store, migration, campaign, options.signal);
  if (hasInvariants(migration)) report.invariants = await invariantsTaken(store, migration, campaign, options);
  const holds = (report.invariants?.state ?? 'held') === 'held';
  const onTheWay = report.subscriptions?.onTheWay ?? 0;
  lost?.end(report);
  const undeclared = await undeclaredIn(store, migration, options.signal);
  if (undeclared.length > 0) report.undeclared = undeclared;
  const led = (report.references?.stale ?? 0) + (report.references?.unchecked ?? 0);
  report.clean =
    holds && wrong + report.splits + onTheWay + led === 0 && report.started === report.completed + report.quarantined;
  await keepProof(store, campaign, report, { ...options, step: steps.length });
  return report;
}

async function invariantsTaken(store: Store, migration: Migration, campaign: CampaignDocument, options: VerifyOptions) {
  const turn = async () => {
    if (options.signal?.aborted)
      throw new HandoverError('wait.interrupted', 'Verification stopped; what it has counted is kept.');
  };
  return takeInvariants(
    { store, clock: options.clock, migration, by: 'verify', turn, signal: options.signal },
    campaign,
  );
}

const emptyReport = ({ id: campaign, population }: CampaignDocument, at: number): VerifyReport => ({
  campaign,
  at,
  seen: 0,
  started: 0,
  completed: 0,
  inFlight: 0,
  quarantined: 0,
  duplicates: 0,
  gaps: 0,
  missing: 0,
  stale: 0,
  orphans: 0,
  splits: 0,
  foreign: 0,
  counted: population,
  clean: false,
  samples: {},
});

interface Context {
  readonly store: Store;
  readonly migration: Migration;
  readonly campaign: CampaignDocument;
  /** Groups that stay behind with a quarantined member. */
  readonly heldBack: ReadonlySet<string>;
  readonly lost: Lost | undefined;
  readonly rule: EntityRule;
  readonly home: 'S' | 'T';
  readonly report: VerifyReport;
}

async function verifyPage(entities: readonly Entity[], context: Context): Promise<void> {
  const { store, campaign, home, report } = context;
  const items: Item[] = [];
  for (const entity of entities) {
    report.seen++;
    const found = toItem(entity, context);
    if (found === 'unreadable' && home === 'T') {
      note(report, 'gaps', entity.key);
    } else if (found === 'unreadable') {
      report.started++;
      note(report, 'quarantined', entity.key);
    } else if (found) items.push(found);
  }
  await lookAtPeers(items, home, store);
  // What does not rest at the first look gets a second one at a single moment, so that no move in between is a finding.
  const restless = items.filter((item) => !restsAt(item.pair, item.target, campaign.id));
  await lookAgain(restless, store);
  const listed = await quarantined(
    store,
    campaign.id,
    items.map(({ pair }) => pair),
  );
  const { heldBack } = context;
  const stays = ({ pair }: Item) => heldBack.has(pair.keys.T.root.toString()) && stateOf(pair) === 'atHome';
  for (const item of items) judge(item, listed.has(item.pair) || stays(item), context);
}

function toItem(
  entity: Entity,
  { store, migration, rule, campaign, home, report }: Context,
): Item | 'unreadable' | undefined {
  try {
    const pair = pairOf(rule, campaign.id, entity, versionUnder(campaign));
    if (!pair && home === 'T') report.foreign++;
    if (pair?.scanned !== home) return undefined;
    const { S, T } = pair.keys;
    checkKey(T, store.capabilities);
    const target = targetAt(campaign.targets, migration.by === 'group' ? T.root : S);
    return { pair, target, moves: 0 };
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    return 'unreadable';
  }
}

function restsAt(pair: Pair, target: Item['target'], campaign: string): boolean {
  return !mismatch(pair, campaign) && nextMove(stateOf(pair), target, false) === null;
}

/** One record, judged once: where its old home holds something, by the old home's pass, else by the new home's. */
function judge({ pair, target, result }: Item, listed: boolean, { campaign, home, report, lost }: Context): void {
  const { keys, S, T } = pair;
  const state = stateOf(pair);
  if (home === 'T' && S) {
    if (strayFrom(pair)) note(report, roleOf(T) === 'O' ? 'duplicates' : 'orphans', keys.T);
  } else if (state.startsWith('orphan')) {
    note(report, 'orphans', keys.T);
  } else if (state !== 'absent' && state !== 'birth') {
    report.started++;
    lost?.lives(pair, report);
    const settled = nextMove(state, target, false) === null;
    const finding =
      listed || result ? 'quarantined' : mismatch(pair, campaign.id) ? 'inFlight' : findingOf(pair, state, target);
    if (finding) note(report, finding, keys.S);
    // Two owners are two owners, listed or not.
    if ((state === 'split' || state === 'corrupt') && !mismatch(pair, campaign.id)) {
      report.duplicates++;
      if (finding !== 'splits') note(report, 'splits', keys.S);
    }
    if (!finding && settled) report.completed++;
    else if (finding !== 'quarantined' && finding !== 'inFlight') report.inFlight++;
  }
}

const strayFrom = (pair: Pair): boolean => {
  try {
    return !peerOf(pair, pair.S!).equals(pair.keys.T);
  } catch {
    return false;
  }
};

/** What is wrong with a record that exists. Copies are compared by content, not by the fingerprint they carry. */
function findingOf(pair: Pair, state: RecordState, target: Item['target']): Finding | undefined {
  const { rule, keys, S, T } = pair;
  switch (state) {
    case 'split':
    case 'corrupt':
      return 'splits';
    case 'atHome':
      return target === 'home' ? undefined : 'missing';
    case 'handingOverAlone':
    case 'handingBackAlone':
      return 'gaps';
    case 'copied':
    case 'handingOver':
      return rule.forward(keys.S, S!.content).equals(T!.content) ? undefined : 'stale';
    case 'copiedStale':
      return target === 'home' ? undefined : 'stale';
    default:
      return nextMove(state, target, false) ? 'inFlight' : undefined;
  }
}
