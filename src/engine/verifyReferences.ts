import type { EntityRule } from '../define/entity.ts';
import type { Migration } from '../define/migration.ts';
import { type Referring, refers } from '../define/reference.ts';
import { HandoverError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Content } from '../record/content.ts';
import type { Key } from '../record/key.ts';
import type { Entity, Store } from '../store/store.ts';
import { type Pair, roleOf } from './pair.ts';
import { isOfRule, isOwner, keysOf, nameOf, verdictsOn } from './referenceLook.ts';
import { keysAt } from './referenceValues.ts';
import type { CampaignDocument } from './schemas.ts';
import { pagesOf } from './subscribers.ts';
import { firstReferring, homeRange } from './sweep.ts';
import type { VerifyReport } from './verifyReport.ts';

interface Context {
  readonly store: Store;
  readonly migration: Migration;
  readonly campaign: CampaignDocument;
  readonly report: VerifyReport;
  readonly onProgress?: ((seen: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * References that lead nowhere, until the records have been gone through: one of them may say that it once had that key,
 * and then the reference is a stale one. Only a record at its new home tells, and it is looked at anyway.
 */
export class Lost {
  readonly #found = new Map<string, { count: number; readonly samples: string[] }>();

  add(name: string, from: Key, report: VerifyReport): void {
    const found = this.#found.get(name) ?? { count: 0, samples: [] };
    if (found.count === 0 && this.#found.size >= LIMITS.danglingKeys) {
      report.references!.unchecked++;
      report.references!.dangling++;
      return;
    }
    this.#found.set(name, found);
    found.count++;
    if (found.samples.length < LIMITS.samples) found.samples.push(from.toString());
  }

  /** A record that lives, in the home where it does: what says its other key is stale. */
  lives({ rule, keys, S, T }: Pair, report: VerifyReport): void {
    if (this.#found.size === 0) return;
    const gone = !S && roleOf(T) === 'O' ? keys.S : !T && roleOf(S) === 'O' ? keys.T : undefined;
    const name = gone && nameOf(gone, rule);
    const found = name && this.#found.get(name);
    if (!found) return;
    this.#found.delete(name);
    report.references!.stale += found.count;
    sample(report, 'staleReferences', found.samples);
  }

  end(report: VerifyReport): void {
    for (const { count, samples } of this.#found.values()) {
      report.references!.dangling += count;
      sample(report, 'dangling', samples);
    }
  }
}

function sample(report: VerifyReport, finding: 'staleReferences' | 'dangling', keys: readonly string[]): void {
  const samples = report.samples[finding] ?? [];
  report.samples[finding] = [...samples, ...keys.filter((key) => !samples.includes(key))].slice(0, LIMITS.samples);
}

/** Looks at all that may refer to records. */
export async function verifyReferences(context: Context): Promise<Lost> {
  const { store, migration, report, signal } = context;
  const lost = new Lost();
  report.references = { referring: 0, stale: 0, dangling: 0, unchecked: 0 };
  for (const [i, referring] of migration.references.entries()) {
    const range = homeRange(migration, firstReferring(migration) + i, 'S');
    for await (const page of pagesOf(store, range, () => LIMITS.pageSize)) {
      if (signal?.aborted) throw new HandoverError('wait.interrupted', 'Verification stopped; it can be resumed.');
      await verifyPage(page, referring, lost, context);
      context.onProgress?.(report.seen + report.references.referring);
    }
  }
  return lost;
}

async function verifyPage(page: readonly Entity[], referring: Referring, lost: Lost, context: Context) {
  const { migration, report } = context;
  const found = page.filter((entity) => refers(referring, entity.key) && isOwner(entity));
  report.references!.referring += found.length;
  const keys = keysOf(
    found.map(({ content }) => content),
    referring,
    migration.namespace,
  );
  const verdicts = await verdictsOn(keys, context);
  for (const { key: from, content } of found) {
    for (const { name } of referencesIn(content, referring, migration.namespace)) {
      const verdict = verdicts.get(name);
      if (verdict === 'dangling') lost.add(name, from, report);
      if (typeof verdict !== 'object') continue;
      report.references!.stale++;
      sample(report, 'staleReferences', [from.toString()]);
    }
  }
}

function* referencesIn(
  content: Content,
  { properties: declared }: Referring,
  namespace: string,
): Generator<{ name: string; rule: EntityRule; key: Key }> {
  for (const { path, to: rule } of declared) {
    for (const key of keysAt(content.properties, path)) {
      if (key.namespace === namespace && isOfRule(rule, key)) yield { name: nameOf(key, rule), rule, key };
    }
  }
}
