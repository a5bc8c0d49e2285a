import type { Side } from '../../machines/moves.ts';
import { matches } from '../define/entity.ts';
import type { Migration } from '../define/migration.ts';
import { viewOf } from '../define/parts.ts';
import { documentKey, load } from '../engine/documents.ts';
import { type FieldHeld, fieldStateOf, HOLDERS } from '../engine/field.ts';
import { hold, roleOf } from '../engine/pair.ts';
import { homeRange } from '../engine/sweep.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Content } from '../record/content.ts';
import { Key } from '../record/key.ts';
import { toPlain } from '../record/plain.ts';
import type { JournalEntry } from '../record/slot.ts';
import type { Entity, KeyRange, Store } from '../store/store.ts';
import type { CommandContext } from './change.ts';
import { classify, classifyFields, type Found, type Look } from './classify.ts';
import { migrationOf, theCampaign } from './find.ts';
import { findByPeer } from './findByPeer.ts';
import type { GroupView, RecordRow, RecordView, Shown, SideView } from './recordSchema.ts';
import { rowOf } from './records.ts';
import { subscriptionView } from './showSubscription.ts';

/**
 * One record, by its old or its new key, or one group, by its root. A key that holds nothing any more is searched for
 * among the peers, which may look at a whole home. Throws `campaign.missing`, `record.missing`, `key.invalid`.
 */
export async function show(
  { store: given, migrations }: Pick<CommandContext, 'store' | 'migrations'>,
  name: string,
  text: string,
): Promise<Shown> {
  const campaign = await theCampaign({ store: given }, name);
  const migration = migrationOf({ migrations }, campaign);
  const store = viewOf(given, migration);
  const look: Look = { store, migration, campaign };
  const key = Key.parse(text);
  const here = await findHere(key, look);
  // A record that is not moved may have a subscription.
  const subscription = here ? undefined : await subscriptionView(store, campaign.id, key);
  if (subscription) return subscription;
  const found = here ?? (isRoot(key, migration) ? undefined : await findByPeer(key, look));
  if (found) return recordView(found, look);
  const group = await groupView(key, look);
  if (group) return group;
  throw new HandoverError('record.missing', `${key} is neither a record of ${campaign.id} nor one of its groups.`);
}

const isRoot = (key: Key, { records }: Migration): boolean =>
  key.path.length === 1 && records.some(({ into, from }) => into[0] === key.kind && !matches(from, key));

/** The record that the entity at this key is a side of. */
async function findHere(key: Key, look: Look): Promise<Found | undefined> {
  const [entity] = await look.store.read([key]);
  if (!entity) return undefined;
  for (const rule of look.migration.fields) {
    const [found] = await classifyFields([entity], rule, look);
    if (found) return found;
  }
  for (const rule of look.migration.records) {
    for (const [home, pattern] of [
      ['T', rule.into],
      ['S', rule.from],
    ] as const) {
      if (!matches(pattern, key)) continue;
      const [found] = await classify([entity], rule, home, look);
      if (found) return found;
      // Shown by its old home, where that holds something: look from there.
      const peer = home === 'T' ? hold(entity)?.slot?.peer : undefined;
      const [old] = peer === undefined ? [] : await look.store.read([Key.parse(peer)]);
      const [other] = old ? await classify([old], rule, 'S', look) : [];
      if (other) return other;
    }
  }
  return undefined;
}

async function recordView(found: Found, { store, campaign }: Look): Promise<RecordView> {
  if (found.field) {
    const sides = fieldSides(found.field);
    return { kind: 'record', campaign: campaign.id, ...rowOf(found), ...sides, journal: journalOf(sides) };
  }
  const keys = { S: found.keys?.S ?? found.key, T: found.keys?.T };
  const [S, T] = await store.read(keys.T ? [keys.S, keys.T] : [keys.S]);
  const sides = { S: sideView(keys.S, S), ...(keys.T ? { T: sideView(keys.T, T) } : {}) };
  return { kind: 'record', campaign: campaign.id, ...rowOf(found), ...sides, journal: journalOf(sides) };
}

/** Both parts of one entity, as if each stood for itself. */
function fieldSides(held: FieldHeld): { readonly S: SideView; readonly T: SideView } {
  const { key, version, slot, old, now } = held;
  const holder = HOLDERS[fieldStateOf(held)];
  const side = (content: Content | undefined, owns: boolean): SideView =>
    content
      ? {
          key: key.toString(),
          version,
          bytes: content.bytes.length,
          fingerprint: content.fingerprint,
          role: owns ? 'owner' : 'shadow',
          record: toPlain(content.properties),
          ...(slot ? { slot } : {}),
        }
      : { key: key.toString(), role: 'absent' };
  return { S: side(old, holder === 'old' || holder === 'split'), T: side(now, holder === 'new' || holder === 'split') };
}

function sideView(key: Key, entity: Entity | undefined): SideView {
  if (!entity) return { key: key.toString(), role: 'absent' };
  const { version, content } = entity;
  const known = { key: key.toString(), version, bytes: content.bytes.length, fingerprint: content.fingerprint };
  try {
    const held = hold(entity)!;
    const role = roleOf(held) === 'X' ? 'tombstone' : (held.slot?.role ?? 'owner');
    const record = toPlain(content.properties);
    return { ...known, role, record, ...(held.slot ? { slot: held.slot } : {}) };
  } catch (error) {
    if (!(error instanceof HandoverError)) throw error;
    return { ...known, role: 'unreadable', problem: `${error.code}: ${error.detail}` };
  }
}

function journalOf({ S, T }: Partial<Record<Side, SideView>>): readonly JournalEntry[] {
  const bySeq = new Map<number, JournalEntry>();
  for (const entry of [...(S?.slot?.journal ?? []), ...(T?.slot?.journal ?? [])]) bySeq.set(entry.seq, entry);
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

async function groupView(root: Key, look: Look): Promise<GroupView | undefined> {
  const { store, migration, campaign } = look;
  const members: RecordRow[] = [];
  let more = false;
  for (const [index, rule] of migration.records.entries()) {
    if (rule.into[0] !== root.kind || root.path.length > 1) continue;
    const page = await membersOf(store, { ...homeRange(migration, index, 'T'), root });
    const found = await Promise.all(page.entities.map(({ key }) => findHere(key, look)));
    members.push(...found.flatMap((each) => (each ? [rowOf(each)] : [])));
    more ||= page.more;
  }
  const found = await load(store, 'group', documentKey('group', campaign.id, root.toString()));
  const stored = found && found.value.generation >= (campaign.versionSince ?? 0) ? found : undefined;
  if (members.length === 0 && !stored) return undefined;
  const state = stored ? { state: stored.value.state } : {};
  return { kind: 'group', campaign: campaign.id, group: root.toString(), ...state, members, more };
}

const membersOf = (store: Store, range: KeyRange) => store.scan(range, LIMITS.historyEntries);
