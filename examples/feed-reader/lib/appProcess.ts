import { Child } from './child.ts';

export interface AppMessage {
  readonly type: 'ready';
  readonly origin: string;
}

/** The application server's process. */
export class AppProcess {
  readonly child: Child<AppMessage>;
  /** Resolves when it takes requests: where it is. Rejects when it does not get that far. */
  readonly ready: Promise<string>;

  constructor(folder: string) {
    let begun = (_: string) => {};
    const beginning = new Promise<string>((done) => {
      begun = done;
    });
    this.child = new Child<AppMessage>('app', folder, [], ({ origin }) => begun(origin));
    this.ready = Promise.race([
      beginning,
      this.child.ended.then(() => Promise.reject(new Error('The application ended early.'))),
    ]);
    // Who waits for it learns of a failure.
    this.ready.catch(() => {});
  }
}
