import type { Outbox } from './outbox.ts';

/** An event of an app. */
export interface AppEvent {
  readonly number: number;
  /** The same on every URL, and in every attempt. */
  readonly id: string;
  readonly body: string;
  /** Where it went first. */
  readonly url: string;
}

/** Where an app's events go, now and earlier. */
export class Webhook {
  readonly id: string;
  readonly app: string;
  readonly secret: string;
  outbox: Outbox<AppEvent> | undefined;
  readonly #urls: { readonly at: number; readonly url: string | undefined }[] = [];

  constructor(id: string, app: string, secret: string) {
    this.id = id;
    this.app = app;
    this.secret = secret;
  }

  /** From now on; undefined when it is deleted. */
  aim(url: string | undefined, at: number): void {
    this.#urls.push({ at, url });
  }

  /** Undefined before it was made and after it was deleted. */
  urlAt(at: number): string | undefined {
    return this.#urls.findLast((each) => each.at <= at)?.url;
  }
}
