export interface ServerEvent {
  readonly id?: string;
  readonly event: string;
  readonly data: string;
}

/**
 * The events of a stream, by the rules of its format: lines of `field: value`, ended by an empty one. `onSign`: something
 * came in, if only a heartbeat, which is a comment.
 */
export async function* eventsOf(
  body: ReadableStream<Uint8Array>,
  onSign: () => void = () => {},
): AsyncGenerator<ServerEvent> {
  let rest = '';
  let fields: Record<string, string> = {};
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onSign();
    const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop()!;
    for (const line of lines) {
      if (line !== '') fields = withLine(fields, line);
      else {
        const { data, event = 'message', id } = fields;
        fields = {};
        if (data !== undefined) yield { event, data, ...(id === undefined ? {} : { id }) };
      }
    }
  }
}

function withLine(fields: Record<string, string>, line: string): Record<string, string> {
  const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
  if (name === '') return fields;
  const before = name === 'data' && fields['data'] !== undefined ? `${fields['data']}\n` : '';
  return { ...fields, [name!]: before + value };
}
