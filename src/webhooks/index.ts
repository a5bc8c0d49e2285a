export type { Callback, Callbacks, Side, Verification } from './callbacks.ts';
export { PROTOCOLS, type Protocol, type Row } from './identities.ts';
export { type DeliveryInfo, Inbox, type InboxOptions } from './inbox.ts';
export { nodeReceiver } from './nodeReceiver.ts';
export { type Answer, type Receiver, type ReceiverOptions, type Request, receiver } from './receive.ts';
export type { Delivery, Handler } from './work.ts';
