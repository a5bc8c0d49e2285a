import { deliveries, delivery, retryDeliveries } from '../../admin/deliveries.ts';
import type { DeliveryRow, DeliveryView } from '../../admin/deliverySchema.ts';
import { HandoverError } from '../../errors.ts';
import { DELIVERY_STATES, type DeliveryState } from '../../webhooks/inboxLook.ts';
import { bytes, many, moment, paragraphs, table } from '../format.ts';
import { workLog } from '../log.ts';
import { type Reply, type Session, type Verb, wholeNumber } from '../verb.ts';
import { signed } from './aim.ts';

interface Options {
  readonly state?: DeliveryState;
  readonly limit?: number;
  readonly after?: string;
  readonly retry?: boolean;
  readonly reason?: string;
}

export const deliveriesVerb: Verb<Options> = {
  usage: 'deliveries [ids...]',
  summary: 'list what came in on callback URLs and is not applied, show one, or try dead ones again',
  configure: (command) =>
    signed(command)
      .option('--reason <text>', 'why, with --retry: for the log')
      .option('--state <state>', `only those: ${DELIVERY_STATES.join(', ')}`, stateNamed)
      .option('--limit <n>', 'how many (default: 20)', wholeNumber('--limit', 1, 10_000))
      .option('--after <cursor>', 'go on where the page before ended')
      .option('--retry', 'give dead ones their attempts back: those named, or with --state dead all'),
  wantsReason: ({ retry = false }) => retry,
  async run(session, args, { retry, ...which }) {
    const ids = args.filter((id) => id !== undefined);
    if (retry) return retried(session, ids, which);
    if (ids.length > 1) throw new HandoverError('usage.invalid', 'Which delivery? Name one; several with --retry.');
    if (ids.length === 1) return shown(await delivery(session, ids[0]!));
    const page = await deliveries(session, { limit: 20, ...which });
    const next = page.next === undefined ? '' : `More: --after ${JSON.stringify(page.next)}`;
    const text = page.deliveries.length === 0 ? 'None.' : paragraphs(listed(page.deliveries), next);
    return { data: page, text: plainText(text) };
  },
};

function stateNamed(text: string): DeliveryState {
  const state = DELIVERY_STATES.find((each) => each === text);
  if (state) return state;
  const known = DELIVERY_STATES.join(', ');
  throw new HandoverError('usage.invalid', `--state takes one of ${known}, not ${JSON.stringify(text)}.`);
}

async function retried(session: Session, ids: readonly string[], { state, reason }: Options): Promise<Reply> {
  const all = ids.length === 0;
  if (all && state !== 'dead') throw new HandoverError('usage.invalid', 'Name the deliveries, or say --state dead.');
  const n = await retryDeliveries(session, all ? 'dead' : ids);
  // Deliveries are of no campaign, and so in no campaign's audit trail.
  workLog(session).info({
    event: 'deliveries.retried',
    reason,
    ids: all ? undefined : ids,
    count: n,
    by: session.by,
    from: session.from?.address,
  });
  const next = n === 0 ? 'Nothing is dead.' : 'Whoever works on the inbox tries again.';
  return {
    data: { retried: n },
    text: `${deliveriesText(n)} given back ${n === 1 ? 'its' : 'their'} attempts. ${next}`,
  };
}

const deliveriesText = (n: number): string => many(n, 'delivery', 'deliveries');

function listed(rows: readonly DeliveryRow[]): string {
  return table(
    rows.map((row) => [row.id, row.state, row.subscription, row.side, moment(row.receivedAt), troubleOf(row)]),
  );
}

/** `3 failed, next 2026-05-01 12:00:07Z: the database is away` */
function troubleOf({ state, attempts, nextAt, error }: DeliveryRow): string {
  if (attempts === 0 || state === 'applied') return '';
  const next = nextAt === undefined ? '' : `, next ${moment(nextAt)}`;
  return `${many(attempts, 'attempt')}${next}${error === undefined ? '' : `: ${oneLine(error, 100)}`}`;
}

const oneLine = (text: string, most: number): string => {
  const line = text.replace(/\s+/g, ' ');
  return line.length > most ? `${line.slice(0, most)}…` : line;
};

function shown(view: DeliveryView): Reply {
  const { id, state, subscription, side, topic, protocol, scope, identity, signed, receivedAt, seenAt } = view;
  const { attempts, nextAt, error, headers, contentType, body } = view;
  const facts: (readonly [string, string])[] = [
    ['id', id],
    ['state', state],
    ['came in on', `the ${side} URL of ${subscription}`],
    ['topic', topic],
    ['protocol', `${protocol}, ${signed ? 'signed' : 'not signed'}`],
    ['scope', scope],
    ['identity', identity],
    ['received', moment(receivedAt)],
    ...(seenAt > receivedAt ? ([['seen last', moment(seenAt)]] as const) : []),
    ['attempts', String(attempts)],
    ...(nextAt === undefined ? [] : ([['next', moment(nextAt)]] as const)),
    ...(error === undefined ? [] : ([['error', error]] as const)),
    ['body', `${bytes(body.bytes)} of ${contentType}`],
  ];
  const names = Object.entries(headers);
  const sent = names.length > 0 ? `headers\n${table(names, '  ')}` : undefined;
  return { data: view, text: plainText(paragraphs(table(facts), sent, bodyText(body))) };
}

function bodyText({ bytes: all, head, encoding }: DeliveryView['body']): string | undefined {
  if (all === 0) return undefined;
  const shownBytes = Buffer.byteLength(head, encoding);
  const more = shownBytes < all ? `\n  … and ${bytes(all - shownBytes)} more` : '';
  const text = encoding === 'utf8' ? head : `base64: ${head}`;
  return `body\n${text.replace(/^/gm, '  ')}${more}`;
}

/** What came from outside is shown without what a terminal would obey. */
const plainText = (text: string): string => text.replace(/[^\P{C}\n\t]/gu, '\ufffd');
