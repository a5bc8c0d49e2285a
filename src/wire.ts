import type { z } from 'zod';

/**
 * What is answered in JSON: the schema describes it to those who ask, and those who answer take their type from it. Nobody
 * changes what has been answered.
 */
export type Wire<S extends z.ZodType> = Fixed<z.output<S>>;

type Fixed<T> = T extends readonly (infer E)[]
  ? readonly Fixed<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Fixed<T[K]> }
    : T;
