import type { Key } from '../record/key.ts';

/** Called before a command takes effect: until it is done, no record goes where the command wants it. */
export const BEFORE_HOOKS = ['beforeSwitch', 'beforeComplete', 'beforeReverse'] as const;
/** Called when every record rests where it was wanted. */
export const AFTER_HOOKS = ['afterCopied', 'afterSwitched', 'afterCompleted', 'afterHome'] as const;

export type BeforeHook = (typeof BEFORE_HOOKS)[number];
export type AfterHook = (typeof AFTER_HOOKS)[number];
export type HookName = BeforeHook | AfterHook | 'onGroupWhole';

/** What a hook is told. */
export interface HookCall {
  /** The same for each call about one thing: whoever has done it already must not do it again. */
  readonly idempotencyKey: string;
  /** The campaign's id, as `feeds.1`. */
  readonly campaign: string;
  readonly migration: string;
  /** From 1: how often it was called about this one thing, calls among them of which nobody knows the end. */
  readonly attempt: number;
  /** The root of the group, for `onGroupWhole`. */
  readonly group?: Key;
  /** Aborts at the deadline, and when the process is to end. */
  readonly signal: AbortSignal;
}

/** Throws, or rejects, where it has failed: it is called again. */
export type Hook = (call: HookCall) => Promise<void> | void;
export type Hooks = Partial<Readonly<Record<HookName, Hook>>>;

const NAMES: readonly string[] = [...BEFORE_HOOKS, ...AFTER_HOOKS, 'onGroupWhole'];

/** Checks the hooks of a migration. */
export function checkHooks(hooks: Hooks, by: 'record' | 'group', refuse: (why: string) => never): void {
  if (typeof hooks !== 'object' || hooks === null) refuse('`hooks` must be functions by their names');
  for (const [name, hook] of Object.entries(hooks)) {
    if (!NAMES.includes(name)) refuse(`there is no hook ${JSON.stringify(name)}: hooks are ${NAMES.join(', ')}`);
    if (typeof hook !== 'function') refuse(`hook ${name} must be a function`);
  }
  if (hooks.onGroupWhole && by !== 'group') refuse('it has `onGroupWhole`, and does not go by groups');
}
