/** What is asked of a hub, by its intent. A renewal is one of its own, beside the journey. */
export const OPERATIONS = ['subscribe', 'renew', 'unsubscribe', 'resubscribe', 'withdraw'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Where an application dies, in the order in which an operation passes them. */
export const POINTS = [
  'before the intent is stored',
  'before the request',
  'when the request has arrived',
  'when a confirmation is asked for',
  'when a confirmation is stored',
  'when the request is carried out',
  'before the answer is stored',
  'when the answer is stored',
] as const;
export type Point = (typeof POINTS)[number];

/** Those that the application itself announces: it stops there, and is killed. At the others its peer has it in hand. */
export type OwnPoint = Extract<
  Point,
  'before the intent is stored' | 'before the request' | 'before the answer is stored' | 'when the answer is stored'
>;

/** The one death that is due. */
export interface Death {
  readonly operation: Operation;
  readonly point: Point;
}

const OF = {
  'subscribe new': 'subscribe',
  'unsubscribe old': 'unsubscribe',
  'subscribe old': 'resubscribe',
  'unsubscribe new': 'withdraw',
} as const;

/** Whether a request like this one, or the intent of it, is of that operation. A renewal looks as what it repeats. */
export function isOf(operation: Operation, mode: string, side: string): boolean {
  return operation === 'renew' ? mode === 'subscribe' : OF[`${mode} ${side}` as keyof typeof OF] === operation;
}

/** What hubs there are: which points an operation passes depends on them. */
export const HUBS = {
  'asks the callback after its answer': POINTS,
  // The confirmation has been stored by then: the answer says nothing more, and is not.
  'asks the callback before its answer': POINTS.filter((point) => point !== 'when the answer is stored'),
  'asks no callback': POINTS.filter((point) => !point.startsWith('when a confirmation')),
} as const;
export type HubManner = keyof typeof HUBS;

/** What a process is told when its time has come to begin. */
export interface Orders {
  readonly path: string;
  readonly manner: HubManner;
  /** Of the clock that all processes share. */
  readonly epoch: number;
  readonly skippedMs: number;
  readonly death: Death | undefined;
}

export type ToApplication = { readonly begin: Orders } | { readonly skippedMs: number } | { readonly death: Death };

export type FromApplication =
  | { readonly ready: true }
  | { readonly port: number }
  | { readonly at: Death }
  | { readonly id: string; readonly numbers: readonly number[] };
