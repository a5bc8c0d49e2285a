import type { Properties, Value } from 'handover';
import { contentAt, kindAt } from './records.ts';
import { longText, point, text, whole } from './values.ts';

/** What was last acknowledged about a record: how many visits were counted, and the name of the last one. */
export interface LastWrite {
  readonly visits: number;
  readonly token: string;
  /** Of a note that got a new text. */
  readonly text?: string;
}

/**
 * The record as it must stand in its new home: said a second time, by hand and type by type, without the engine and
 * without the migration's own functions, so that an error there cannot hide here.
 */
export function expectedAt(n: number, last: LastWrite | undefined): Properties {
  const record = new Map(contentAt(n));
  switch (kindAt(n)) {
    case 'Feed':
      record.set('where', point(Number(textOf(record, 'lat')), Number(textOf(record, 'lng'))));
      record.delete('lat');
      record.delete('lng');
      break;
    case 'Article':
      move(record, 'link', 'url');
      move(record, 'added', 'savedAt');
      break;
    case 'Note':
      if (last?.text !== undefined) record.set('text', longText(last.text));
      break;
  }
  if (last) record.set('visits', whole(last.visits)).set('lastVisit', text(last.token));
  return record;
}

function textOf(record: Properties, name: string): string {
  const value = record.get(name);
  if (value?.type !== 'string') throw new Error(`${name} should be a string`);
  return value.value;
}

function move(record: Map<string, Value>, old: string, now: string): void {
  record.set(now, record.get(old)!);
  record.delete(old);
}
