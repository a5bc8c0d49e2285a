import { useState } from 'preact/hooks';
import { type Ask, useApp } from '../app.ts';
import type { CampaignStatus } from '../types.ts';
import { refusal, VERBS, type VerbId } from '../verbs.ts';
import { ShareField } from './ShareField.tsx';

const GROUPS: readonly { readonly name: string; readonly verbs: readonly VerbId[]; readonly note?: string }[] = [
  { name: 'Move', verbs: ['start', 'switch', 'reverse'] },
  { name: 'Work', verbs: ['pause', 'resume', 'pace'] },
  {
    name: 'End',
    verbs: ['complete', 'cancel', 'strip'],
    note: 'What these do is final, or nearly so: each asks twice.',
  },
];

/** The buttons: what each will do, and where one cannot be pressed, why. */
export function Actions({ status }: { status: CampaignStatus }) {
  const [share, setShare] = useState(100);
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
            {note && <p class="faint">{note}</p>}
            {verbs.map((verb) => (
              <Action key={verb} verb={verb} status={status} {...(name === 'Move' ? { share } : {})} />
            ))}
          </section>
        ))}
      </div>
    </section>
  );
}

function Action({ verb, status, share }: { verb: VerbId; status: CampaignStatus; share?: number }) {
  const app = useApp();
  const { label, brief, isFinal } = VERBS[verb];
  const { migration, campaign } = status;
  const why = refusal(verb, status, app.charts);
  if (why !== undefined && HIDDEN.has(verb)) return null;
  const ask: Ask = { verb, migration, campaign, options: share === undefined || share >= 100 ? {} : { share } };
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
        {share !== undefined && share < 100 ? ` ${share} %` : ''}…
      </button>
      <p id={id} class={why === undefined ? '' : 'faint'}>
        {why ?? brief}
      </p>
    </div>
  );
}

/** Of a pair of opposites only the one that can be pressed is there; strip is for the end alone. */
const HIDDEN: ReadonlySet<VerbId> = new Set(['pause', 'resume', 'strip']);
