import { useState } from 'preact/hooks';
import { type Ask, useApp } from '../app.ts';
import { denied } from '../roles.ts';
import type { CampaignStatus } from '../types.ts';
import { refusal, VERBS, type VerbId } from '../verbs.ts';
import { NO_SHARE, ShareField } from './ShareField.tsx';

const GROUPS: readonly { readonly name: string; readonly verbs: readonly VerbId[]; readonly note?: string }[] = [
  { name: 'Move', verbs: ['start', 'switch', 'reverse'] },
  { name: 'Work', verbs: ['pause', 'resume', 'pace'] },
  {
    name: 'End',
    verbs: ['complete', 'cancel', 'strip'],
    note: 'What these do is final, or nearly so. Complete and cancel want the campaign’s id typed.',
  },
];

/** The buttons: what each will do, and where one cannot be pressed, why. */
export function Actions({ status }: { status: CampaignStatus }) {
  const [share, setShare] = useState<number | undefined>(100);
  return (
    <section aria-labelledby="actions">
      <h2 id="actions">What you can do</h2>
      <div class="actions">
        {GROUPS.map(({ name, verbs, note }) => (
          <section class="group" key={name} aria-label={name}>
            <h3>{name}</h3>
            {name === 'Move' && (
              <ShareField value={share} what={status.groups ? 'groups' : 'records'} onChange={setShare} />
            )}
            {note && !status.closed && <p class="faint">{note}</p>}
            {verbs.map((verb) => (
              <Action key={verb} verb={verb} status={status} share={name === 'Move' ? share : 100} />
            ))}
          </section>
        ))}
      </div>
    </section>
  );
}

function Action({ verb, status, share }: { verb: VerbId; status: CampaignStatus; share: number | undefined }) {
  const app = useApp();
  const { label, brief, isFinal } = VERBS[verb];
  const { migration, campaign } = status;
  const refused = refusal(verb, status, app.charts);
  if (refused !== undefined && HIDDEN.has(verb)) return null;
  const why = refused ?? denied(app.me, verb) ?? (share === undefined ? NO_SHARE : undefined);
  const isPart = share !== undefined && share < 100;
  const ask: Ask = { verb, migration, campaign, options: isPart ? { share } : {} };
  const id = `why-${verb}`;
  return (
    <div class="action">
      {/* Not `disabled`: whoever goes by keyboard should come by, and hear why. */}
      <button
        type="button"
        class={isFinal ? 'grave' : ''}
        aria-disabled={why !== undefined}
        aria-describedby={id}
        onClick={() => why === undefined && app.command(ask)}
      >
        {label}
        {isPart ? ` ${share} %` : ''}…
      </button>
      <p id={id} class={why === undefined ? '' : 'faint'}>
        {why ?? brief}
      </p>
    </div>
  );
}

/** Of a pair of opposites only the one that can be pressed is there; strip is for the end alone. */
const HIDDEN: ReadonlySet<VerbId> = new Set(['pause', 'resume', 'strip']);
