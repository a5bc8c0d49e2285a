import { type Body, type Served, TOKENS } from '../harness.ts';

export interface Told {
  readonly event: string;
  readonly id: string;
  readonly data: Body;
}

/** Reads an event stream as a browser does. */
export class Reader {
  readonly told: Told[] = [];
  comments = 0;
  ended = false;
  readonly #abort = new AbortController();

  static async open(server: Served, path = '/v1/events', headers: Readonly<Record<string, string>> = {}) {
    const reader = new Reader();
    const response = await fetch(server.url + path, {
      headers: { authorization: `Bearer ${TOKENS.viewer}`, ...headers },
      signal: reader.#abort.signal,
    });
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    void reader.#read(response).catch(() => {});
    return reader;
  }

  last(event: string): Told | undefined {
    return this.told.findLast((each) => each.event === event);
  }

  leave(): void {
    this.#abort.abort();
  }

  async #read({ body }: Response): Promise<void> {
    let rest = '';
    try {
      for await (const chunk of body!.pipeThrough(new TextDecoderStream() as never)) {
        const parts = (rest + chunk).split('\n\n');
        rest = parts.pop()!;
        for (const part of parts) this.#take(part);
      }
    } finally {
      this.ended = true;
    }
  }

  #take(part: string): void {
    const fields = new Map(
      part.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
    );
    if (fields.has('')) this.comments++;
    if (!fields.has('data')) return;
    this.told.push({ event: fields.get('event')!, id: fields.get('id')!, data: JSON.parse(fields.get('data')!) });
  }
}
