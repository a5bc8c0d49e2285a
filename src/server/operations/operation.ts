import { z } from 'zod';
import type { CommandContext } from '../../admin/change.ts';
import type { Clock } from '../../clock.ts';
import type { Project } from '../../define/load.ts';
import type { Migration } from '../../define/migration.ts';
import type { Role } from '../../define/server.ts';
import { LIMITS } from '../../limits.ts';
import type { Store } from '../../store/store.ts';
import type { Wire } from '../../wire.ts';
import type { Caller } from '../access.ts';
import type { jobOf } from '../jobSchema.ts';
import type { Jobs, Work } from '../jobs.ts';

/** What the server works with. */
export interface Services {
  readonly store: Store;
  readonly migrations: readonly Migration[];
  readonly clock: Clock;
  readonly project: Project;
  readonly jobs: Jobs;
}

/** One row of the table: routes, the OpenAPI document and the docs are made of these. */
interface Row {
  readonly id: string;
  /** The verb of the command line that says the same; unset: what only a server has. */
  readonly verb?: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** As Fastify writes it. */
  readonly path: string;
  readonly role: Role;
  readonly summary: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodObject | z.ZodUnion<readonly z.ZodObject[]>;
  /** What it answers with; it is described by this, and not checked on its way out. */
  readonly answer: z.ZodType;
}

/** Looks, with a store that cannot write; answers what the verb prints with `--json`. */
export interface Look extends Row {
  readonly kind: 'look';
  /** Holds a store that can write: for what is no campaign's. */
  readonly writes?: true;
  readonly run: (services: Services, input: Input, asked: Asked) => Promise<Looked<unknown>>;
}

/** By whom, and whether it was a command of the API or a button of the page. */
export interface Asked extends Caller {
  readonly way: 'api' | 'page';
  readonly address: string;
}

export interface Looked<T> {
  readonly body: T;
  readonly etag?: string;
  /** What was done that no audit trail has: for the log, with who asked. */
  readonly done?: { readonly event: string; readonly [fact: string]: unknown };
}

/** Writes one campaign once, and answers with the entry in its audit trail and its status. */
export interface Command extends Row {
  readonly kind: 'command';
  /** Harmless without If-Match: it changes nobody's aim. */
  readonly unconditional?: true;
  /** It must work always, however often somebody has asked for what. */
  readonly brake?: true;
  /** It ends the campaign: for admins, and with its id typed into `confirm`, or to `start` the migration's name. */
  readonly ends?: (body: { readonly to?: string }) => boolean;
  readonly run: (context: CommandContext, name: string, body: never) => Promise<unknown>;
}

/** Looks at everything: answered with 202, and where to look what comes of it. */
export interface JobOperation extends Row {
  readonly kind: 'job';
  readonly answer: ReturnType<typeof jobOf>;
  readonly work: (services: Services, input: Input) => Promise<Pick<Work, 'of' | 'run'>>;
}

export type Operation = Look | Command | JobOperation;

/** What has been checked by the row's schemas. */
export interface Input {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, never>>;
  readonly body: Readonly<Record<string, never>>;
}

type Looking<A extends z.ZodType> = Omit<Look, 'kind' | 'method' | 'role' | 'answer' | 'run'> &
  Partial<Pick<Look, 'method' | 'role'>> & {
    readonly answer: A;
    readonly run: (...asked: Parameters<Look['run']>) => Promise<Looked<Wire<A>>>;
  };

/** A look that answers with what it says. */
export const look = <A extends z.ZodType>(row: Looking<A>): Look => ({
  kind: 'look',
  method: 'GET',
  role: 'viewer',
  ...row,
});

const id = z
  .string()
  .min(1)
  .max(100)
  .meta({ description: 'The id of a campaign, as feeds.1, or its migration: then the newest one' });
export const campaignParams = z.object({ id });
export const migrationParams = z.object({
  name: z.string().min(1).max(100).meta({ description: 'The name of a migration' }),
});
export const key = z.string().min(1).max(LIMITS.keyBytes).meta({ description: 'A key, as User:ann/Feed:7' });
export const code = z.string().min(1).max(100).meta({ description: 'A cause, as target.occupied' });
export const limit = z.coerce.number().int().min(1).max(LIMITS.answerRows).default(20);
export const cursor = z
  .string()
  .min(1)
  .max(2 * LIMITS.keyBytes)
  .optional()
  .meta({ description: '`next` of the page before' });

/** Pages of records: after a record, never after a count, so that none is missed when others come or go. */
export const pageOf = ({ cursor, ...rest }: Readonly<Record<string, never>>) => ({
  ...rest,
  ...(cursor === undefined ? {} : { after: cursor }),
});
