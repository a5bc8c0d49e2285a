import type { CampaignStatus } from '../types.ts';

/** The stage, and how it stands with it, in words: colour says nothing that they do not. */
export function Badge({ status }: { status: CampaignStatus }) {
  const { stage } = status;
  return (
    <span class={`badge ${toneOf(status)}`}>
      {stage}
      {conditionOf(status)}
    </span>
  );
}

function conditionOf({ stage, blocked, run, closed, settled }: CampaignStatus): string {
  if (closed || stage === 'draft') return '';
  if (blocked) return ', blocked';
  if (run === 'paused') return ', paused';
  return settled ? ', settled' : ', on the way';
}

function toneOf({ blocked, run, closed, settled }: CampaignStatus): string {
  if (closed) return 'over';
  if (blocked) return 'bad';
  if (run === 'paused') return 'warn';
  return settled ? 'good' : 'moving';
}
