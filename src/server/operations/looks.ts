import { z } from 'zod';
import { audit, auditPageSchema } from '../../admin/audit.ts';
import { diagnosisSchema, doctor } from '../../admin/doctor.ts';
import { theCampaign } from '../../admin/find.ts';
import { history, historySchema } from '../../admin/history.ts';
import { campaignStatus, records, show, status } from '../../admin/inspect.ts';
import { plain } from '../../admin/plain.ts';
import { recordsPageSchema, shownSchema } from '../../admin/recordSchema.ts';
import { campaignStatusSchema, mismatchesSchema, statusSchema } from '../../admin/statusSchema.ts';
import { charts, chartsSchema } from '../../engine/charts.ts';
import { callerSchema } from '../access.ts';
import { jobsSchema } from '../jobSchema.ts';
import { tagOf } from '../preconditions.ts';
import { JOBS } from './jobs.ts';
import { campaignParams, code, cursor, key, type Look, limit, look, pageOf } from './operation.ts';

const number = z.coerce.number().int().min(0).default(0).meta({ description: 'The number of the first command' });

const [first, ...others] = JOBS.map(({ answer }) => answer);
/** Whichever operation began it. */
const jobSchema = z
  .discriminatedUnion('what', [first!, ...others])
  .meta({ id: 'Job', description: 'A job: `what` tells what comes of it' });

/** What operators look at. */
export const LOOKS: readonly Look[] = [
  look({
    id: 'campaigns',
    verb: 'status',
    path: '/v1/campaigns',
    summary: 'All campaigns, and migrations that were never started',
    answer: statusSchema,
    run: async (services) => ({ body: await status(services) }),
  }),
  look({
    id: 'campaign',
    verb: 'status',
    path: '/v1/campaigns/:id',
    summary: 'Where one campaign stands; its ETag changes with every command',
    params: campaignParams,
    answer: campaignStatusSchema,
    run: async (services, { params }) => {
      const campaign = await theCampaign(services, params['id']!);
      return { body: await campaignStatus(services, campaign), etag: tagOf(campaign) };
    },
  }),
  look({
    id: 'records',
    verb: 'records',
    path: '/v1/campaigns/:id/records',
    summary: 'Records with their states, in the order of their keys',
    params: campaignParams,
    query: z.strictObject({ state: z.string().min(1).max(50).optional(), limit, cursor }),
    answer: recordsPageSchema,
    run: async (services, { params, query }) => ({ body: await records(services, params['id']!, pageOf(query)) }),
  }),
  look({
    id: 'quarantine',
    verb: 'records',
    path: '/v1/campaigns/:id/quarantine',
    summary: 'Records that could not be moved, with the cause',
    params: campaignParams,
    query: z.strictObject({ code: code.optional(), limit, cursor }),
    answer: recordsPageSchema,
    run: async (services, { params, query }) => ({
      body: await records(services, params['id']!, { ...pageOf(query), quarantined: true }),
    }),
  }),
  look({
    id: 'mismatches',
    verb: 'records',
    path: '/v1/campaigns/:id/mismatches',
    summary: 'The last copies that shadow reads found to differ, with both values',
    params: campaignParams,
    answer: mismatchesSchema,
    run: async (services, { params }) => {
      const { mismatches } = await campaignStatus(services, await theCampaign(services, params['id']!));
      return { body: mismatches ?? { count: 0, last: [] } };
    },
  }),
  look({
    id: 'audit',
    verb: 'audit',
    path: '/v1/campaigns/:id/audit',
    summary: 'Every command that the campaign was given: who, when, what, why, from where',
    params: campaignParams,
    query: z.strictObject({ limit, cursor: number }),
    answer: auditPageSchema,
    run: async (services, { params, query }) => ({ body: await audit(services, params['id']!, pageOf(query)) }),
  }),
  look({
    id: 'history',
    verb: 'history',
    path: '/v1/history',
    summary: 'Every campaign that there ever was: what ran, when, by whom, with its proof',
    answer: historySchema,
    run: async (services) => ({ body: await history(services) }),
  }),
  look({
    id: 'record',
    verb: 'show',
    path: '/v1/records/:key',
    summary: 'One record by its old or new key, or one group by its root: both sides, state, journal',
    params: z.object({ key }),
    query: z.strictObject({ campaign: campaignParams.shape.id }),
    answer: shownSchema,
    run: async (services, { params, query }) => ({
      body: plain(await show(services, query['campaign']!, params['key']!)),
    }),
  }),
  look({
    id: 'doctor',
    verb: 'doctor',
    // It writes, if only what it takes away again: a link must not be enough.
    method: 'POST',
    path: '/v1/doctor',
    role: 'operator',
    writes: true,
    summary: 'Checks the project, and has the store prove its compare-and-set on throw-away entities',
    answer: diagnosisSchema,
    run: async (services) => ({ body: await doctor(services) }),
  }),
  look({
    id: 'me',
    path: '/v1/me',
    summary: 'Who asks, and what he may do',
    answer: callerSchema,
    run: async (_services, _input, { name, role }) => ({ body: { name, role } }),
  }),
  look({
    id: 'machines',
    path: '/v1/machines',
    summary: 'The state machines: states, transitions, and what each does',
    answer: chartsSchema,
    run: async () => ({ body: charts() }),
  }),
  look({
    id: 'jobs',
    path: '/v1/jobs',
    summary: 'Jobs of this server, without their results',
    answer: jobsSchema,
    run: async ({ jobs }) => ({ body: { jobs: jobs.list() } }),
  }),
  look({
    id: 'job',
    path: '/v1/jobs/:job',
    summary: 'How far a job is, and what came of it',
    params: z.object({ job: z.string().min(1).max(100) }),
    answer: jobSchema,
    run: async ({ jobs }, { params }) => ({ body: jobs.at(params['job']!) }),
  }),
  look({
    id: 'stopJob',
    method: 'DELETE',
    path: '/v1/jobs/:job',
    role: 'operator',
    summary: 'Ends a job after the page under way',
    params: z.object({ job: z.string().min(1).max(100) }),
    answer: jobSchema,
    run: async ({ jobs }, { params }) => ({ body: await jobs.stop(params['job']!) }),
  }),
];
