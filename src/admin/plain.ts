/** What JSON has no form for as text: numbers of any size, and bytes as base64. */
export function plain<T>(value: T): T {
  return JSON.parse(
    JSON.stringify(value, (_name, each: unknown) => {
      if (typeof each === 'bigint') return each.toString();
      if (isBuffer(each)) return `base64:${Buffer.from(each.data).toString('base64')}`;
      return each;
    }),
  ) as T;
}

const isBuffer = (value: unknown): value is { type: 'Buffer'; data: number[] } =>
  typeof value === 'object' && value !== null && (value as { type?: unknown }).type === 'Buffer' && 'data' in value;
