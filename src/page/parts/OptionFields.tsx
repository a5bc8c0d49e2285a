import { count } from '../format.ts';
import type { Options } from '../options.ts';
import type { CampaignStatus } from '../types.ts';
import { VERBS, type VerbId } from '../verbs.ts';
import { PaceFields } from './PaceFields.tsx';
import { ShareField } from './ShareField.tsx';

interface Props {
  verb: VerbId;
  options: Options;
  /** Whether what stands in the fields will do. */
  isValid: boolean;
  status?: CampaignStatus;
  onChange: (options: Options, isValid: boolean) => void;
}

/** What can be chosen with a command. */
export function OptionFields({ verb, options, isValid, status, onChange }: Props) {
  const { share: _, ...rest } = options;
  return (
    <>
      {VERBS[verb].shared && (
        <ShareField
          value={isValid ? (options.share ?? 100) : undefined}
          what={status?.groups ? 'groups' : 'records'}
          onChange={(share) => {
            if (share === undefined) onChange(options, false);
            else onChange(share >= 100 ? rest : { ...rest, share }, true);
          }}
        />
      )}
      {verb === 'start' && <HowFar options={options} isValid={isValid} onChange={onChange} />}
      {verb === 'complete' && (
        <Ending
          options={options}
          isValid={isValid}
          onChange={onChange}
          left={status ? status.quarantined.count - status.quarantined.skipped : 0}
        />
      )}
      {verb === 'pace' && status && (
        <PaceFields settings={status.paceSettings} options={options} isValid={isValid} onChange={onChange} />
      )}
    </>
  );
}

type Part = Pick<Props, 'options' | 'isValid' | 'onChange'>;

const AIMS = [
  ['copied', 'Copies only'],
  ['switched', 'On to switched, without a rest'],
  ['completed', 'On to completed, without a rest: no way back'],
] as const;

function HowFar({ options, isValid, onChange }: Part) {
  return (
    <fieldset>
      <legend>How far</legend>
      {AIMS.map(([to, name]) => (
        <label key={to} class="choice">
          <input
            type="radio"
            name="to"
            checked={(options.to ?? 'copied') === to}
            onChange={() => onChange({ ...options, to }, isValid)}
          />
          {name}
        </label>
      ))}
    </fieldset>
  );
}

function Ending({ options, isValid, onChange, left }: Part & { left: number }) {
  const { leaveQuarantined, strip, ...rest } = options;
  const with_ = (more: Options) =>
    onChange(
      { ...rest, ...(leaveQuarantined ? { leaveQuarantined } : {}), ...(strip ? { strip } : {}), ...more },
      isValid,
    );
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
