import type { LoneVerb, Verb } from '../verb.ts';
import { cancelVerb, completeVerb, reverseVerb, startVerb, switchVerb } from './aim.ts';
import { auditVerb } from './audit.ts';
import { deliveriesVerb } from './deliveries.ts';
import { doctorVerb } from './doctor.ts';
import { historyVerb } from './history.ts';
import { paceVerb } from './pace.ts';
import { pauseVerb, resumeVerb } from './pause.ts';
import { planVerb } from './plan.ts';
import { recordsVerb } from './records.ts';
import { resolveVerb } from './resolve.ts';
import { retryVerb } from './retry.ts';
import { serveVerb } from './serve.ts';
import { showVerb } from './show.ts';
import { skipVerb } from './skip.ts';
import { statusVerb } from './status.ts';
import { stripVerb } from './strip.ts';
import { tokenVerb } from './token.ts';
import { upgradeVerb } from './upgrade.ts';
import { verifyVerb } from './verify.ts';
import { workVerb } from './work.ts';

/** In the order of a campaign's life: `--help` lists them so. */
export const VERBS: readonly (Verb | LoneVerb)[] = [
  planVerb,
  startVerb,
  statusVerb,
  switchVerb,
  reverseVerb,
  completeVerb,
  cancelVerb,
  stripVerb,
  pauseVerb,
  resumeVerb,
  paceVerb,
  upgradeVerb,
  verifyVerb,
  recordsVerb,
  showVerb,
  retryVerb,
  skipVerb,
  resolveVerb,
  auditVerb,
  historyVerb,
  deliveriesVerb,
  doctorVerb,
  workVerb,
  serveVerb,
  tokenVerb,
] as readonly (Verb<never> | LoneVerb)[] as readonly (Verb | LoneVerb)[];
