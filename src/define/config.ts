import { z } from 'zod';
import { HandoverError } from '../errors.ts';
import type { Store } from '../store/store.ts';

/** What a project's `handover.config.ts` says. */
export interface ConfigDefinition {
  /** Opens the store that holds both homes. Called once by each command, which closes it at its end. */
  readonly store: () => Store | Promise<Store>;
  /** The folder of migration modules, relative to the configuration file. Default: `./migrations`. */
  readonly migrations?: string;
}

export type Config = Required<ConfigDefinition>;

const schema = z.strictObject({
  store: z.custom<ConfigDefinition['store']>((value) => typeof value === 'function', {
    error: 'must be a function that returns a store, as () => lmdbStore({ path })',
  }),
  migrations: z.string({ error: 'must be the path of a folder' }).min(1, 'must not be empty').default('./migrations'),
});

/** Checks a configuration and fills its defaults. Throws `config.invalid` with every field that is wrong. */
export function defineConfig(definition: ConfigDefinition): Config {
  const parsed = schema.safeParse(definition);
  if (parsed.success) return parsed.data;
  throw new HandoverError('config.invalid', `${parsed.error.issues.map(sentence).join('; ')}.`);
}

function sentence(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return `there is no option ${issue.keys.map((name) => JSON.stringify(name)).join(', ')}`;
  }
  return issue.path.length === 0 ? 'it must be an object' : `\`${issue.path.join('.')}\` ${issue.message}`;
}
