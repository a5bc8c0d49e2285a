import type { Properties, Value } from 'handover';

/** The types of value a record can hold, written short. Explicit, so that nothing is left to a conversion. */
export const text = (value: string): Value => ({ type: 'string', value });
export const longText = (value: string): Value => ({ type: 'string', value, unindexed: true });
export const whole = (value: number | bigint): Value => ({ type: 'integer', value: BigInt(value) });
export const real = (value: number): Value => ({ type: 'double', value });
export const flag = (value: boolean): Value => ({ type: 'boolean', value });
export const nothing: Value = { type: 'null' };
export const bytes = (value: Buffer): Value => ({ type: 'bytes', value });
export const point = (latitude: number, longitude: number): Value => ({ type: 'geoPoint', latitude, longitude });
export const list = (...values: readonly Value[]): Value => ({ type: 'array', values });
export const nested = (entries: Readonly<Record<string, Value>>): Value => ({
  type: 'entity',
  properties: new Map(Object.entries(entries)),
});
export const moment = (seconds: number, nanos = 0): Value => ({ type: 'timestamp', seconds: BigInt(seconds), nanos });

/**
 * Everything a record says, as text that is equal exactly when the records are: types, index flags and all, in the
 * order of the names. The proof compares with this and not with the engine's fingerprint, which it does not trust.
 */
export function written(properties: Properties): string {
  const names = [...properties.keys()].sort();
  return names.map((name) => `${JSON.stringify(name)}: ${writtenValue(properties.get(name)!)}`).join('\n');
}

function writtenValue(value: Value): string {
  const flags = `${value.unindexed ? ' unindexed' : ''}${value.meaning === undefined ? '' : ` meaning ${value.meaning}`}`;
  return `${value.type}${flags} ${writtenPayload(value)}`;
}

function writtenPayload(value: Value): string {
  switch (value.type) {
    case 'null':
      return '';
    case 'string':
      return JSON.stringify(value.value);
    case 'double':
      return Object.is(value.value, -0) ? '-0' : String(value.value);
    case 'boolean':
    case 'integer':
    case 'key':
      return String(value.value);
    case 'bytes':
      return Buffer.from(value.value).toString('hex');
    case 'timestamp':
      return `${value.seconds}s ${value.nanos}ns`;
    case 'geoPoint':
      return `${value.latitude}, ${value.longitude}`;
    case 'entity':
      return `{${written(value.properties)}}`;
    case 'array':
      return `[${value.values.map(writtenValue).join(', ')}]`;
  }
}
