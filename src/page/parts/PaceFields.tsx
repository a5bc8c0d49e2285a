import type { Options } from '../options.ts';
import type { CampaignStatus } from '../types.ts';
import { NumberField } from './NumberField.tsx';

/** Offered where there was no ceiling. */
const FIRST_CEILING = 500;

interface Props {
  /** What is in force. */
  readonly settings: CampaignStatus['paceSettings'];
  /** What would be changed. */
  readonly options: Options;
  readonly isValid: boolean;
  readonly onChange: (options: Options, isValid: boolean) => void;
}

/** Begins with what is in force. */
export function PaceFields({ settings, options, isValid, onChange }: Props) {
  const { ceiling = settings.ceilingPerSecond ?? 'none', ramp = settings.ramp } = options;
  const hasCeiling = ceiling !== 'none';
  return (
    <fieldset>
      <legend>Operations a second, of all workers together</legend>
      <label class="choice">
        <input
          type="radio"
          name="ceiling"
          checked={!hasCeiling}
          onChange={() => onChange({ ...options, ceiling: 'none' }, true)}
        />
        No ceiling
      </label>
      <label class="choice">
        <input
          type="radio"
          name="ceiling"
          checked={hasCeiling}
          onChange={() => onChange({ ...options, ceiling: settings.ceilingPerSecond ?? FIRST_CEILING }, true)}
        />
        At most
        {hasCeiling && (
          <NumberField
            label="Operations a second at most"
            value={isValid ? ceiling : undefined}
            min={1}
            isOk={(n) => n >= 1}
            onChange={(n) => onChange(n === undefined ? options : { ...options, ceiling: n }, n !== undefined)}
          />
        )}
      </label>
      {!isValid && (
        <p class="note bad" role="alert">
          A ceiling is a number of 1 or more.
        </p>
      )}
      <label class="choice">
        <input
          type="checkbox"
          checked={ramp}
          onChange={(event) => onChange({ ...options, ramp: event.currentTarget.checked }, isValid)}
        />
        Rise slowly, by the ramp
      </label>
    </fieldset>
  );
}
