import { z } from 'zod';
import type { Dispatch } from '../dispatch/dispatch.ts';
import { HandoverError } from '../errors.ts';
import type { OwnPrices } from '../store/prices.ts';
import type { Store } from '../store/store.ts';
import { type ServerConfig, type ServerDefinition, serverSchema } from './server.ts';

/** What a project's `handover.config.ts` says. */
export interface ConfigDefinition {
  /** Opens the store that holds both homes. Called once by each command, which closes it at its end. */
  readonly store: () => Store | Promise<Store>;
  /** The folder of migration modules, relative to the configuration file. Default: `./migrations`. */
  readonly migrations?: string;
  /** What `plan` reckons with in place of the store's list prices: for 100,000 operations, and for a GiB and month. */
  readonly prices?: OwnPrices;
  /**
   * Hands work to a fleet of workers. Called once by each `work` and `serve`, which closes it at its end. Unset: each worker
   * looks for its own.
   */
  readonly dispatch?: () => Dispatch | Promise<Dispatch>;
  /** How `handover serve` serves, and whom. */
  readonly server?: ServerDefinition;
}

export type Config = Required<Omit<ConfigDefinition, 'prices' | 'server' | 'dispatch'>> &
  Pick<ConfigDefinition, 'prices' | 'dispatch'> & { readonly server?: ServerConfig };

const price = z.number('must be a number').min(0, 'must not be negative').exactOptional();
const prices = z.strictObject(
  {
    list: z.string('must be a text').exactOptional(),
    currency: z
      .string('must be a currency, as USD')
      .regex(/^[A-Z]{3}$/, 'must be a currency, as USD')
      .exactOptional(),
    reads: price,
    writes: price,
    deletes: price,
    storage: price,
  },
  { error: (issue) => (issue.code === 'invalid_type' ? 'must be an object' : undefined) },
);

const schema = z.strictObject({
  store: z.custom<ConfigDefinition['store']>((value) => typeof value === 'function', {
    error: 'must be a function that returns a store, as () => lmdbStore({ path })',
  }),
  migrations: z.string({ error: 'must be the path of a folder' }).min(1, 'must not be empty').default('./migrations'),
  prices: prices.exactOptional(),
  dispatch: z
    .custom<NonNullable<ConfigDefinition['dispatch']>>((value) => typeof value === 'function', {
      error: 'must be a function that returns a dispatch, as () => pubsubDispatch({ topic, subscription })',
    })
    .exactOptional(),
  server: serverSchema.exactOptional(),
});

/** Checks a configuration and fills its defaults. Throws `config.invalid` with every field that is wrong. */
export function defineConfig(definition: ConfigDefinition): Config {
  const parsed = schema.safeParse(definition);
  if (parsed.success) return parsed.data;
  throw new HandoverError('config.invalid', `${parsed.error.issues.map(sentence).join('; ')}.`);
}

function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return `there is no option ${issue.keys.map((name) => JSON.stringify([...issue.path, name].join('.'))).join(', ')}`;
  }
  return issue.path.length === 0 ? 'it must be an object' : `\`${issue.path.join('.')}\` ${issue.message}`;
}
