import type { Side } from '../callbacks.ts';

/** What the application tells its subscribers. */
export interface OutgoingEvent {
  /** The `webhook-id`: the same for one event for ever, in every attempt and at every endpoint. */
  readonly id: string;
  readonly body: string;
  /** Default: `application/json`. */
  readonly contentType?: string;
  /** What it is about; for `list`, and for who builds bodies. */
  readonly topic?: string;
}

/** Where an event is about to be posted. */
export interface Destination {
  /** The key of the record that the endpoint is of. */
  readonly subscriber: string;
  readonly url: string;
  /** Which end of the journey that is; `old` where there is no journey. */
  readonly side: Side;
}

export type BodyBuilder = (event: Required<OutgoingEvent>, destination: Destination) => string | Promise<string>;
