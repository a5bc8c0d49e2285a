import type { RestDefinition } from '../rest.ts';

/** What all ready providers take. */
export interface ProviderOptions extends Pick<RestDefinition, 'allow' | 'deadlineMs' | 'ca' | 'plainHttp' | 'clock'> {
  /** For messages and stored states, where there are two of one kind. */
  readonly name?: string;
  /** The credential, asked for before each call. */
  readonly token: () => string | Promise<string>;
  /** Where the provider's interface begins, without a slash at the end. */
  readonly base?: string;
}

export const bearer = (token: ProviderOptions['token']) => async () => ({ authorization: `Bearer ${await token()}` });
