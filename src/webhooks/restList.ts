import type { Clock } from '../clock.ts';
import type { HubSubscription } from '../define/hub.ts';
import { LIMITS } from '../limits.ts';
import { type Failure, failureOf } from './answers.ts';
import type { OutboundAnswer } from './outbound.ts';
import { at, callOf, type RestAnswer, type RestCall, restAnswer, type Template, textAt } from './restCall.ts';

/** How a provider tells what it has. */
export interface RestList {
  readonly request: Template<{ readonly topic: string }>;
  /** What one page holds, and the call for the next one: at the same server, for it carries the same credentials. */
  readonly read: ((answer: RestAnswer, call: RestCall, topic: string) => Page) | ItemPaths;
}

export interface Page {
  readonly found: readonly HubSubscription[];
  readonly next?: RestCall;
}

/** Where a list without pages has its items, and an item its id and its callback: paths of names, as `data.url`. */
export interface ItemPaths {
  readonly items: string;
  readonly reference: string;
  readonly callback: string;
}

export type Listed = { readonly status: 'listed'; readonly found: readonly HubSubscription[] } | Failure;

/** All pages, or none: what is missing in half a list would be taken for gone. */
export async function listAll(
  list: RestList,
  topic: string,
  send: (call: RestCall) => Promise<OutboundAnswer>,
  clock: Clock,
): Promise<Listed> {
  const found: HubSubscription[] = [];
  let call = callOf(list.request, { topic });
  const { origin } = new URL(call.url);
  for (let pages = 0; pages < LIMITS.hubListPages; pages++) {
    const answer = await send(call);
    const failure = failureOf(answer, clock);
    if (failure || answer.status !== 'answered') return failure ?? incomplete('no answer');
    const page = pageOf(list, restAnswer(answer), call, topic);
    if (!page) return incomplete(`${answer.url} answered something else than a list`);
    found.push(...page.found);
    if (!page.next) return { status: 'listed', found };
    if (new URL(page.next.url).origin !== origin) return incomplete(`the list goes on elsewhere, at ${page.next.url}`);
    call = page.next;
  }
  return incomplete(`the list has more than ${LIMITS.hubListPages} pages`);
}

const incomplete = (cause: string): Failure => ({ status: 'refused', cause, again: false });

function pageOf({ read }: RestList, answer: RestAnswer, call: RestCall, topic: string): Page | undefined {
  if (answer.json === undefined) return undefined;
  if (typeof read === 'function') return read(answer, call, topic);
  const items = at(answer.json, read.items);
  return Array.isArray(items) ? { found: subscriptionsOf(items, read) } : undefined;
}

/** Items without an id or a callback are of another sort, and are left out. */
export function subscriptionsOf(items: readonly unknown[], { reference, callback }: Omit<ItemPaths, 'items'>) {
  return items.flatMap((item): HubSubscription[] => {
    const [id, url] = [textAt(item, reference), textAt(item, callback)];
    return id === undefined || url === undefined ? [] : [{ reference: id, callback: url }];
  });
}
