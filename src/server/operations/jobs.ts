import { z } from 'zod';
import { migrationNamed, theCampaign } from '../../admin/find.ts';
import { countRecords } from '../../admin/inspect.ts';
import { planMigration, sampleSize } from '../../admin/plan.ts';
import { countsSchema } from '../../admin/recordSchema.ts';
import { verifyCampaign } from '../../admin/verify.ts';
import { planReportSchema } from '../../engine/planReport.ts';
import { verifyReportSchema } from '../../engine/verifyReport.ts';
import type { Wire } from '../../wire.ts';
import { jobOf } from '../jobSchema.ts';
import type { Work } from '../jobs.ts';
import { campaignParams, type JobOperation, migrationParams } from './operation.ts';

type Working<R extends z.ZodType> = Omit<JobOperation, 'kind' | 'method' | 'role' | 'id' | 'answer' | 'work'> & {
  /** What comes of it. */
  readonly result: R;
  readonly work: (
    ...asked: Parameters<JobOperation['work']>
  ) => Promise<{ readonly of: string; readonly run: (...told: Parameters<Work['run']>) => Promise<Wire<R>> }>;
};

/** A job that comes to what it says. */
const job = <R extends z.ZodType>(id: string, { result, ...row }: Working<R>): JobOperation => ({
  kind: 'job',
  id,
  method: 'POST',
  role: 'operator',
  answer: jobOf(id, result),
  ...row,
});

/** What looks at everything. */
export const JOBS: readonly JobOperation[] = [
  job('plan', {
    verb: 'plan',
    path: '/v1/migrations/:name/plan',
    summary: 'Reads the records, moves them in memory, and says what it would meet and cost; writes nothing',
    params: migrationParams,
    body: z.strictObject({
      sample: z.string().min(1).max(20).optional().meta({ description: '5% of the records, or about 20000' }),
      ceiling: z.number().int().min(1).optional(),
    }),
    result: planReportSchema,
    work: async (services, { params, body: { sample, ceiling } }) => {
      const { name } = migrationNamed(services, params['name']!);
      const { prices } = services.project.config;
      const terms = {
        ...(sample === undefined ? {} : { sample: sampleSize(sample) }),
        ...(ceiling === undefined ? {} : { ceiling }),
        ...(prices ? { prices } : {}),
      };
      return {
        of: name,
        run: (progress, signal) =>
          planMigration(services, name, terms, { onProgress: yielding(services, progress), signal }),
      };
    },
  }),
  job('verify', {
    verb: 'verify',
    path: '/v1/campaigns/:id/verify',
    summary: 'Looks at every record in both homes and proves that nothing was lost or doubled',
    params: campaignParams,
    body: z.strictObject({ restart: z.boolean().optional() }),
    result: verifyReportSchema,
    work: async (services, { params, body: { restart = false } }) => {
      const { id } = await theCampaign(services, params['id']!);
      return { of: id, run: (onProgress, signal) => verifyCampaign(services, id, { restart, onProgress, signal }) };
    },
  }),
  job('count', {
    verb: 'records',
    path: '/v1/campaigns/:id/count',
    summary: 'Counts records per state, by looking at every one of them',
    params: campaignParams,
    body: z.strictObject({}),
    result: countsSchema,
    work: async (services, { params }) => {
      const { id } = await theCampaign(services, params['id']!);
      return {
        of: id,
        run: (progress, signal) => countRecords(services, id, { onProgress: yielding(services, progress), signal }),
      };
    },
  }),
];

/** Reading alone lets nobody else in. */
const yielding =
  ({ clock }: Parameters<JobOperation['work']>[0], progress: (seen: number) => void) =>
  async (seen: number): Promise<void> => {
    progress(seen);
    await clock.sleep(0);
  };
