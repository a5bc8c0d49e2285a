import { expect, it } from 'vitest';
import { spent } from '../../src/page/plans.ts';
import type { CampaignStatus, PlanReport } from '../../src/page/types.ts';

const step = (command: string, writes: number) => ({ command, cost: { reads: 0, writes, deletes: 0 } });
const plan = {
  steps: [
    step('handover start feeds', 1000),
    step('handover switch feeds', 2000),
    step('handover complete feeds', 500),
  ],
} as unknown as PlanReport;
const at = (stage: string, share: number, targets: CampaignStatus['targets']) =>
  ({ stage, sweep: { share }, targets }) as unknown as CampaignStatus;

it('of a step that a share was sent on no more counts as spent than that share', () => {
  const tenth = [
    { below: 10, target: 'switched' as const },
    { below: 100, target: 'copied' as const },
  ];
  expect(spent(at('copied', 1, [{ below: 100, target: 'copied' }]), plan)).toMatchObject({ operations: 1000 });
  expect(spent(at('switching', 1, tenth), plan)).toMatchObject({ operations: 1200 });
  expect(spent(at('switching', 0.5, tenth), plan)).toMatchObject({ operations: 1100 });
  expect(spent(at('completed', 1, [{ below: 100, target: 'completed' }]), plan)).toMatchObject({ operations: 3500 });
  expect(spent(at('home', 1, [{ below: 100, target: 'home' }]), plan)).toBeUndefined();
});
