import { useId } from 'preact/hooks';

/** A share in percent: by a slider, or exactly. */
export function ShareField({
  value,
  what = 'records',
  onChange,
}: {
  value: number;
  what?: string;
  onChange: (share: number) => void;
}) {
  const id = useId();
  const set = (text: string) => {
    const share = Number(text);
    if (share > 0 && share <= 100) onChange(share);
  };
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
          value={Math.max(1, Math.round(value))}
          aria-valuetext={`${value} percent`}
          onInput={(event) => set(event.currentTarget.value)}
        />
        <input
          type="number"
          min="0.01"
          max="100"
          step="any"
          aria-label="Share in percent, exactly"
          value={value}
          onChange={(event) => set(event.currentTarget.value)}
        />
        <span aria-hidden="true">%</span>
      </div>
    </div>
  );
}
