import { useApp } from '../app.ts';
import { count } from '../format.ts';
import { denied } from '../roles.ts';
import type { CampaignStatus, RecordRow } from '../types.ts';
import { refusal } from '../verbs.ts';

/** Causes that a choice between two entities can end. */
const CHOICES: ReadonlySet<string> = new Set(['record.split', 'record.corrupt', 'target.occupied', 'transform.split']);

interface Treated {
  status: CampaignStatus;
  code?: string;
  rows: readonly RecordRow[];
  picked: ReadonlySet<string>;
  /** With the keys it was done for; none: for all that are shown. */
  onDone: (keys: readonly string[]) => void;
}

/** What can be done: for those that are picked, or else for all of the kind that is shown. */
export function Treat({ status, code, rows, picked, onDone }: Treated) {
  const app = useApp();
  const { migration, campaign } = status;
  const why = refusal('retry', status, app.charts) ?? denied(app.me, 'retry');
  if (rows.length === 0) return null;
  const chosen = rows.filter(({ key }) => picked.has(key));
  const which = chosen.length > 0 ? { keys: chosen.map(({ key }) => key) } : code ? { code } : {};
  const whom = chosen.length > 0 ? `${count(chosen.length)} picked` : code ? `all with ${code}` : 'all';
  const isNamed = chosen.length > 0 || code !== undefined;
  const { count: all, skipped } = status.quarantined;
  const mayRetry = isNamed || skipped < all;
  const mayChoose = chosen.length > 0 ? chosen.every((row) => CHOICES.has(row.code ?? '')) : CHOICES.has(code ?? '');
  const ask = (verb: 'retry' | 'skip' | 'resolve', keep?: 'old' | 'new') =>
    app.command({ verb, migration, campaign, options: { ...which, ...(keep ? { keep } : {}) }, onDone });
  const button = (may: boolean, press: () => void) => ({
    type: 'button' as const,
    'aria-disabled': !may || why !== undefined,
    'aria-describedby': 'treat-note',
    onClick: () => may && why === undefined && press(),
  });
  return (
    <section class="treat" aria-label="What to do with them">
      <div class="row">
        <button class="primary" {...button(mayRetry, () => ask('retry'))}>
          Retry {isNamed || skipped === 0 ? whom : 'all that are not skipped'}…
        </button>
        <button {...button(isNamed, () => ask('skip'))}>Skip {whom}…</button>
        {(['old', 'new'] as const).map((keep) => (
          <button key={keep} class="grave" {...button(mayChoose, () => ask('resolve', keep))}>
            Resolve {whom}: keep {keep}…
          </button>
        ))}
      </div>
      <p id="treat-note" class="faint">
        {why ??
          (mayChoose
            ? 'Retry tries again. Resolve chooses which of two entities is the record.'
            : 'Retry tries again, once the cause is mended. Resolve is for records that two entities claim: pick such records, or their cause.')}{' '}
        Skip lets them stay in the old home{isNamed ? '' : ': pick records, or a cause'}.
        {mayRetry ? '' : ' All are skipped: to try some again, pick them.'}
      </p>
    </section>
  );
}
