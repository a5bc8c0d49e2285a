import { HandoverError } from '../errors.ts';

/**
 * Where in a record a walk is: names and indexes from the top. One array serves the whole walk, a step overwritten by
 * the next of its depth; it is read, up to the present depth, only for an error.
 */
export type Trail = (string | number)[];

/** What a value is, for people. */
export function describe(plain: unknown): string {
  if (plain === null || plain === undefined) return String(plain);
  if (typeof plain === 'object') return `an object of class ${String(plain.constructor?.name)}`;
  return typeof plain === 'bigint' || typeof plain === 'number' ? String(plain) : `a ${typeof plain}`;
}

/** `tags[3].name: why.` */
export function invalid(why: string, depth: number, trail: Trail): HandoverError {
  const path = writeTrail(trail.slice(0, depth + 1));
  return new HandoverError('value.invalid', `${path}: ${why}.`, { path });
}

function writeTrail(trail: Trail): string {
  let path = '';
  for (const step of trail) {
    if (typeof step === 'number') path += `[${step}]`;
    else if (!/^[A-Za-z_$][\w$]*$/.test(step)) path += `[${JSON.stringify(step)}]`;
    else path += path === '' ? step : `.${step}`;
  }
  return path;
}
