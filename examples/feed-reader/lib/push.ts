/** Where the demo's news sites and the application are: both on ports that nobody knows before. */
export interface Web {
  /** The news sites' and their hub's origin. */
  readonly news: string;
  /** The application's own. */
  readonly app: string;
}

const VARIABLE = 'HANDOVER_DEMO_WEB';

/** For this process, and for those that it starts from now on. */
export function setWeb(web: Web): void {
  process.env[VARIABLE] = JSON.stringify(web);
}

/** Undefined where nobody plays the news sites: then nothing is subscribed. */
export function webOf(env: NodeJS.ProcessEnv = process.env): Web | undefined {
  const text = env[VARIABLE];
  return text === undefined ? undefined : (JSON.parse(text) as Web);
}

/** The callback of a feed that is pushed: which one, before or after it moves. Nobody must be able to guess its path. */
export const callbackOf = ({ app }: Web, side: 'old' | 'new', push: string): string => `${app}/${side}/${push}`;

export const topicOf = ({ news }: Web, push: string): string => `${news}/topics/${push}`;

export const secretOf = (push: string): string => `between the hub and ${push}`;
