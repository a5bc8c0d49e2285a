import { count } from '../format.ts';
import type { CampaignStatus } from '../types.ts';
import { type Options, VERBS, type VerbId } from '../verbs.ts';
import { ShareField } from './ShareField.tsx';

interface Props {
  verb: VerbId;
  options: Options;
  status?: CampaignStatus;
  onChange: (options: Options) => void;
}

/** What can be chosen with a command. */
export function OptionFields({ verb, options, status, onChange }: Props) {
  const { share: _, ...rest } = options;
  return (
    <>
      {VERBS[verb].shared && (
        <ShareField
          value={options.share ?? 100}
          what={status?.groups ? 'groups' : 'records'}
          onChange={(share) => onChange(share >= 100 ? rest : { ...rest, share })}
        />
      )}
      {verb === 'start' && <HowFar options={options} onChange={onChange} />}
      {verb === 'complete' && (
        <Ending
          options={options}
          onChange={onChange}
          left={status ? status.quarantined.count - status.quarantined.skipped : 0}
        />
      )}
      {verb === 'pace' && <Pace options={options} onChange={onChange} />}
    </>
  );
}

type Part = Pick<Props, 'options' | 'onChange'>;

const AIMS = [
  ['copied', 'Copies only'],
  ['switched', 'On to switched, without a rest'],
  ['completed', 'On to completed, without a rest: no way back'],
] as const;

function HowFar({ options, onChange }: Part) {
  return (
    <fieldset>
      <legend>How far</legend>
      {AIMS.map(([to, name]) => (
        <label key={to} class="choice">
          <input
            type="radio"
            name="to"
            checked={(options.to ?? 'copied') === to}
            onChange={() => onChange({ ...options, to })}
          />
          {name}
        </label>
      ))}
    </fieldset>
  );
}

function Ending({ options, onChange, left }: Part & { left: number }) {
  const { leaveQuarantined, strip, ...rest } = options;
  const with_ = (more: Options) =>
    onChange({
      ...rest,
      ...(leaveQuarantined ? { leaveQuarantined } : {}),
      ...(strip ? { strip } : {}),
      ...more,
    });
  return (
    <fieldset>
      <legend>With it</legend>
      {left > 0 && (
        <label class="choice">
          <input
            type="checkbox"
            checked={leaveQuarantined ?? false}
            onChange={(event) => with_({ leaveQuarantined: event.currentTarget.checked })}
          />
          Leave {count(left)} quarantined, and not skipped, in the old home. Without this, complete is refused.
        </label>
      )}
      <label class="choice">
        <input
          type="checkbox"
          checked={strip ?? false}
          onChange={(event) => with_({ strip: event.currentTarget.checked })}
        />
        When all is done, take handover’s own state off the records
      </label>
    </fieldset>
  );
}

function Pace({ options, onChange }: Part) {
  const { ceiling = 'none', ramp } = options;
  return (
    <fieldset>
      <legend>Operations a second, of all workers together</legend>
      <label class="choice">
        <input
          type="radio"
          name="ceiling"
          checked={ceiling === 'none'}
          onChange={() => onChange({ ...options, ceiling: 'none' })}
        />
        No ceiling
      </label>
      <label class="choice">
        <input
          type="radio"
          name="ceiling"
          checked={ceiling !== 'none'}
          onChange={() => onChange({ ...options, ceiling: 500 })}
        />
        At most
        <input
          type="number"
          min="1"
          aria-label="Operations a second at most"
          value={ceiling === 'none' ? '' : ceiling}
          onInput={(event) => {
            const most = Number(event.currentTarget.value);
            if (most >= 1) onChange({ ...options, ceiling: most });
          }}
        />
      </label>
      <label class="choice">
        <input
          type="checkbox"
          checked={ramp ?? false}
          onChange={(event) => onChange({ ...options, ramp: event.currentTarget.checked })}
        />
        Rise slowly, by the ramp
      </label>
    </fieldset>
  );
}
