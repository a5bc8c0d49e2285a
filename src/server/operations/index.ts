import { COMMANDS } from './commands.ts';
import { DELIVERIES } from './deliveries.ts';
import { JOBS } from './jobs.ts';
import { LOOKS } from './looks.ts';
import type { Operation } from './operation.ts';

/** All that the admin API can do: the one source of its routes and of its OpenAPI document. */
export const OPERATIONS: readonly Operation[] = [...LOOKS, ...DELIVERIES, ...COMMANDS, ...JOBS];
