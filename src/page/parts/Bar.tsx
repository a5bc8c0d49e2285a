import { percent } from '../format.ts';

/** A part of a whole, 0 to 1. */
export function Bar({ label, share }: { label: string; share: number }) {
  const width = percent(share);
  return (
    <div
      class="bar"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(share * 100)}
      aria-valuetext={width}
    >
      <div style={{ width: width.replace(' ', '') }} />
    </div>
  );
}
