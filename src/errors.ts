/**
 * Every error a user can meet, in one table: what happened, and the way out.
 * Nobody branches on message text; `code` is the contract.
 */
export const ERRORS = {
  'key.invalid': 'A key is not well formed. Keys are written Kind:name or Kind:123, parts joined by "/".',
  'key.tooLong': 'The key is longer than the store can hold. Shorten the names, or exclude the record.',
  'value.invalid':
    'A value has no typed form. Return null, booleans, numbers, bigints, strings, Dates, bytes, keys, arrays or plain objects.',
  'value.unsupported':
    'The store holds a value here that handover cannot carry without loss. Rewrite the record without it, or exclude it, then retry.',
  'content.corrupt': 'Stored bytes do not decode as a record. Restore the entity from a backup, then retry it.',
  'entity.tooLarge':
    'The entity is over the size limit of the store. Make the transform return less, or exclude the record.',
  'entity.refused':
    'The store does not take an entity like this. Correct the transform or the record, or exclude it, then retry.',
  'slot.version':
    'The state slot was written by a newer version of handover. Upgrade this worker, then retry the record.',
  'slot.corrupt':
    'The state slot does not decode. Look at the entity, repair or remove its slot, then retry the record.',
  'slot.foreign': 'The record is in the middle of another campaign. Finish or cancel that one, then retry the record.',
  'parts.invalid':
    'What is kept inside this record cannot be told apart: an item is no entity, says no id, or two say one. Correct the array, then retry.',
  'parts.missing':
    'The record that this one is to be kept inside is not there. Make it, or exclude what belongs to it, then retry.',
  'record.corrupt':
    'Both homes say the truth was given away, which no sequence of moves can produce. Look at both, keep one by hand.',
  'record.split':
    'Both sides claim to be the record, for something wrote past the router. Compare both contents and keep one: `handover resolve`.',
  'target.occupied':
    'The target key already holds an entity that this campaign did not write. Move that entity, or change `to`.',
  'target.collision':
    'Two source records map to the same target key. Make `to` unique, start a new campaign, or remove one record.',
  'transform.to':
    '`to` failed for this record. Correct the record and retry it; or cancel, correct the definition, and start it as a new version.',
  'transform.forward':
    'The forward transform failed for this record. Correct the definition or the record, then retry.',
  'transform.split': '`onSplit` failed for this record. Correct it, or choose with `handover resolve`.',
  'transform.backward':
    'The backward transform failed for this record, so it could not be reversed. Correct it, then retry.',
  'transform.terms':
    '`terms` of a subscription failed for this record. Correct the definition or the record, then retry.',
  'subscription.refused':
    'The hub refused the request, as often as it was asked. Its answer says why; correct that, then retry.',
  'transform.unstable': '`to` gave two different keys for the same content. It must depend on the record alone.',
  'reverse.missing':
    'The record was modified after the switch and its definition has no backward transform. It can only stay: go on to complete, or undo the modification, then reverse.',
  'invariant.uncomputed':
    'A total could not be computed from this record. Correct the record, or the invariant, which makes a new definition.',
  'invariant.groups':
    'An invariant has more groups than are held at once. Group by less, or split the total into several invariants.',
  'invariant.broken':
    'A total that must hold does not: `handover verify` shows which. Correct what is wrong and `resume`, or `reverse` and correct the definition.',
  'invariant.early':
    'Old and new totals are compared before the old homes go. Start it for less, look at `handover status`, then complete it.',
  'definition.invalid':
    'Correct the module in the migrations folder: it exports defineMigration({ … }) as its default.',
  'definition.missing': 'No such migration. Look at the migrations folder named in the configuration.',
  'definition.changed':
    'The definition changed under an open campaign. Restore it, or raise its version and `upgrade` the campaign, or cancel it and start a new version.',
  'definition.heads': 'More than one migration is nobody’s predecessor. Order them with `after`.',
  'definition.dependency': 'A migration named in `after` does not exist or is not completed.',
  'config.invalid': 'Correct handover.config.ts: it exports defineConfig({ store, migrations }) as its default.',
  'config.missing': 'No handover.config.ts was found. Create one, or name it with --config.',
  'store.unsafe':
    'The store does not honour compare-and-set. Handing data to it would lose writes; use another mode or store.',
  'store.moment':
    'The store did not hold one moment for as long as the look took. It is begun anew, or made page by page.',
  'store.readOnly': 'This store was opened read-only.',
  'store.closed': 'The store is closed.',
  'store.driver':
    'The client library of this store is not installed. Install it beside handover, in the version named.',
  'store.denied': 'The store did not let this process in. Check the credentials and the roles that go with them.',
  'store.missing': 'There is no such project or database. Check the configuration of the store.',
  'store.rejected': 'The store rejected a request as a whole. Its message says why; its documentation says more.',
  'store.unavailable': 'The store did not answer, in several attempts. Check that it can be reached, then try again.',
  'store.unknown': 'The answer of the store was lost: the write may or may not have been applied. Look again.',
  'dispatch.driver':
    'The client library that hands work to a fleet is not installed. Install it beside handover, in the version named.',
  'dispatch.denied':
    'The process may not publish to the topic, or not pull from the subscription. Check the credentials and the roles that go with them.',
  'dispatch.missing': 'There is no such topic or subscription. Check the names in the configuration, or create them.',
  'dispatch.unavailable':
    'Messages could not be sent or fetched. Check that Pub/Sub can be reached; work goes on without it, more slowly.',
  'campaign.missing': 'No such campaign. `handover status` lists them.',
  'campaign.refused': '`handover status` says what is possible now; docs/states.md shows which command leads where.',
  'campaign.contended': 'Several operators changed the campaign at once. Look at its status, then try again.',
  'campaign.stripped':
    'The state was taken off its entities: nothing tells any more which ones it has moved. Verify before `strip`.',
  'campaign.changed':
    'Another command came in between. Look at the campaign as it is now, then decide again, with its new ETag.',
  'upgrade.refused':
    'Write a version that fits, as docs/authoring.md says; or cancel the campaign, and start the new version.',
  'home.taken':
    'Another campaign is about records of this kind, and two at once would meet in the middle. Complete or cancel that one first, or write the order down: name its migration in `after`.',
  'gate.closed': 'Let a worker finish (`handover work`), look at `handover status`, then try again.',
  'record.missing': '`handover records` lists keys; give the old or the new key of a record, or the key of a group.',
  'record.whole':
    'Only quarantined records that two entities claim can be resolved: `handover records --quarantined` lists them.',
  'record.contended': 'The record kept changing under this call. Try again.',
  'record.misplaced':
    'The write would change what `to` makes the new key of, and records are addressed by it. Delete the record, and insert it under its new address.',
  'address.incomplete':
    'Give the old and the new key, or give the router `keys` to derive one from the other: the record does not tell.',
  'group.gathering':
    'The group is neither joined nor whole: not all of its records have switched. Call the router for each record, or try again later.',
  'delivery.missing': 'The inbox has no such delivery. It may have been applied, and forgotten after its window.',
  'delivery.refused': 'Only dead deliveries can be retried: others are applied, or will be.',
  'wait.interrupted': 'The wait ended before the campaign came to rest. It goes on where a worker runs.',
  'subscription.invalid':
    'Correct what the hub was given: its definition, its list of allowed addresses, or its options.',
  'topic.unreachable':
    'The topic could not be fetched. Check its URL and that this process may reach it, then try again.',
  'topic.hubless': 'The topic names no hub. Name the hub and the topic yourself, or subscribe where the provider says.',
  'subscription.unlisted':
    'The provider did not tell all its subscriptions. Check its credentials and its limits, then try again.',
  'access.missing':
    'Show a bearer token of this server, or an ID token of its provider: docs/admin-api.md says how. `handover token` makes one.',
  'access.denied': 'Ask somebody whose role allows it: viewers look, operators command, admins end campaigns.',
  'access.unreachable': 'Check that this server reaches the keys of its OpenID Connect provider, then try again.',
  'request.invalid': 'Correct the request: /docs shows what can be asked, and docs/admin-api.md explains it.',
  'request.missing': 'There is no such path, or not with this method: /docs shows those that there are.',
  'request.tooLarge': 'Send less: no command needs as much.',
  'request.type': 'Send the body as application/json.',
  'request.tooMany': 'Wait for as long as Retry-After says, then go on more slowly.',
  'request.slow': 'Ask for a smaller part, with a cursor; what looks at everything is a job.',
  'request.unconditional':
    'Say in If-Match which campaign you mean to change: the ETag that you saw it with, or * for whatever it is by now.',
  'request.unconfirmed':
    'Type the id of the campaign into `confirm` (or after `--confirm`), or to start one the name of its migration: what it ends, it ends for good.',
  'job.missing': 'Jobs live in the server that began them, and the oldest are forgotten. Begin it again.',
  'job.refused': 'Wait until one of the jobs has ended, or end it, then try again.',
  'request.repeated': 'An Idempotency-Key stands for one command. Give another command a key of its own.',
  'usage.invalid': '`handover --help`, or `handover help VERB`, shows what can be said.',
} as const satisfies Record<string, string>;

export type ErrorCode = keyof typeof ERRORS;

/** An error with a code, the facts, and what to do next. */
export class HandoverError extends Error {
  override readonly name = 'HandoverError';
  readonly code: ErrorCode;
  readonly detail: string;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, detail: string, facts: Readonly<Record<string, unknown>> = {}, options?: ErrorOptions) {
    super(`${code}: ${detail} ${ERRORS[code]}`, options);
    this.code = code;
    this.detail = detail;
    this.facts = facts;
  }

  /** What the user can do about it. */
  get wayOut(): string {
    return ERRORS[this.code];
  }
}

/** Whether the store's silence is all that is wrong, or others who were faster: whoever looks again may have more luck. */
export const isPassing = (
  error: unknown,
): error is HandoverError & { readonly code: 'store.unknown' | 'campaign.contended' } =>
  error instanceof HandoverError && (error.code === 'store.unknown' || error.code === 'campaign.contended');

/** What the act comes to, or undefined where it passes: then `told` hears why. Anything else is thrown on. */
export async function unlessPassing<R>(act: Promise<R>, told?: (error: HandoverError) => void): Promise<R | undefined> {
  try {
    return await act;
  } catch (error) {
    if (!isPassing(error)) throw error;
    told?.(error);
    return undefined;
  }
}

/** The message of anything thrown, author code included. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
