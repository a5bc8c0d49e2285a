import type { Clock } from '../clock.ts';
import type { HubAnswer } from '../define/hub.ts';
import { LIMITS } from '../limits.ts';
import { type Answered, headerOf, type OutboundAnswer } from './outbound.ts';

export type Failure = Extract<HubAnswer, { status: 'refused' | 'unknown' }>;

/** By intermediaries, which do not know what the hub behind them did; and "see there what came of it". */
const UNKNOWN = new Set([303, 502, 504]);
/** Of the codes below 500 those that pass by themselves. */
const PASSING = new Set([408, 423, 425, 429]);

/** What an answer means that is no success; undefined for one that is. */
export function failureOf(answer: OutboundAnswer, clock: Clock): Failure | undefined {
  if (answer.status !== 'answered') return answer;
  const { code } = answer;
  if (code >= 200 && code < 300) return undefined;
  const cause = causeOf(answer);
  if (code < 200 || UNKNOWN.has(code)) return { status: 'unknown', cause };
  const afterMs = retryAfter(headerOf(answer, 'retry-after'), clock);
  // Whoever says when to come back will let us in then: limits on requests are answered with 403 too.
  if (afterMs !== undefined) return { status: 'refused', cause, again: true, afterMs };
  return { status: 'refused', cause, again: code >= 500 || PASSING.has(code) };
}

function causeOf(answer: Answered): string {
  const text = new TextDecoder().decode(answer.body).replace(/[\p{C}\s]+/gu, ' ');
  const location = headerOf(answer, 'location');
  const said = location === undefined ? text.trim() : `see ${location}`;
  return `${new URL(answer.url).host} answered ${answer.code} ${said}`.trim().slice(0, LIMITS.hubCauseCharacters);
}

/** RFC 9110, 10.2.3: seconds, or a date by the hub's clock. */
function retryAfter(value: string | undefined, clock: Clock): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - clock.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), LIMITS.retryAfterMostMs);
}
