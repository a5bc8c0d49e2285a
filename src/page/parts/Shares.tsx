import { words } from '../format.ts';
import type { CampaignStatus } from '../types.ts';

/** Where records are wanted: which share of them goes where. */
export function Shares({ status: { targets, stage, groups } }: { status: CampaignStatus }) {
  let from = 0;
  const parts = targets.map(({ below, target }) => {
    const share = Math.round((below - from) * 100) / 100;
    from = below;
    return { target, share };
  });
  return (
    <section aria-labelledby="wanted">
      <h2 id="wanted">Wanted</h2>
      <div class="shares" aria-hidden="true">
        {parts.map(({ target, share }, i) => (
          <div key={i} class={target} style={{ width: `${share}%` }} />
        ))}
      </div>
      <ul class="legend">
        {parts.map(({ target, share }, i) => (
          <li key={i}>
            <span class={`swatch ${target}`} aria-hidden="true" />
            {share} % {words(target)}
          </li>
        ))}
      </ul>
      <p class="faint">
        {stage === 'draft'
          ? 'Nothing was asked for yet.'
          : `A record’s place in it is a stable hash of ${groups ? 'its group' : 'its key'}: the same ones go first every time.`}
      </p>
    </section>
  );
}
