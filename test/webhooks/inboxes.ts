import { type Fault, memoryStore, type StoreCall } from '../../src/store/memory.ts';
import { Inbox, type InboxOptions } from '../../src/webhooks/inbox.ts';
import { type TestClock, testClock } from './world.ts';

export const received = {
  scope: 'tenant topic',
  topic: 'topic',
  subscription: 's1',
  side: 'old',
  signed: true,
  protocol: 'github',
  contentType: 'text/plain',
  headers: {},
} as const;

export const put = (inbox: Inbox, ...names: readonly string[]) =>
  inbox.put(
    received,
    names.map((name) => ({ identity: name, body: Buffer.from(name), contentType: 'text/plain' })),
  );

/** An inbox with a store and a clock of its own, or those given. */
export function made(options: Partial<InboxOptions> & { clock?: TestClock } = {}) {
  const clock = options.clock ?? testClock();
  const store = options.store ?? memoryStore();
  return { store, clock, inbox: new Inbox({ ...options, store, clock }) };
}

/** A fault of one commit, counted from 0. */
export const onlyCommit = (at: number, fault: Fault) => {
  let commits = 0;
  return ({ op }: StoreCall) => (op === 'commit' && commits++ === at ? fault : undefined);
};
