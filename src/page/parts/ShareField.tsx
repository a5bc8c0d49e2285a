import { useId } from 'preact/hooks';
import { NumberField } from './NumberField.tsx';

const isShare = (n: number): boolean => n > 0 && n <= 100;

/** Why nothing can be done with what stands in the field. */
export const NO_SHARE = 'A share is over 0 and up to 100 percent.';

/** A share in percent: by a slider, or exactly. `value`: undefined while what is typed is none. */
export function ShareField({
  value,
  what = 'records',
  onChange,
}: {
  value: number | undefined;
  what?: string;
  onChange: (share: number | undefined) => void;
}) {
  const id = useId();
  return (
    <div class="share">
      <label for={`${id}-range`}>Share of the {what}</label>
      <div class="row">
        <input
          id={`${id}-range`}
          type="range"
          min="1"
          max="100"
          step="1"
          value={Math.max(1, Math.round(value ?? 100))}
          aria-valuetext={value === undefined ? 'none' : `${value} percent`}
          onInput={(event) => onChange(Number(event.currentTarget.value))}
        />
        <NumberField
          label="Share in percent, exactly"
          value={value}
          min={0.01}
          max={100}
          isOk={isShare}
          onChange={onChange}
        />
        <span aria-hidden="true">%</span>
      </div>
      {value === undefined && (
        <p class="note bad" role="alert">
          {NO_SHARE}
        </p>
      )}
    </div>
  );
}
