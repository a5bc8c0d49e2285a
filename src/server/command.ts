import { hash } from 'node:crypto';
import { z } from 'zod';
import { type Call, type CommandContext, carriedOut } from '../admin/change.ts';
import { openCampaign, theCampaign } from '../admin/find.ts';
import { campaignStatus } from '../admin/inspect.ts';
import { campaignStatusSchema } from '../admin/statusSchema.ts';
import type { Entry, Numbered } from '../engine/audit.ts';
import { campaignsOf } from '../engine/campaigns.ts';
import { numberedEntry } from '../engine/entrySchema.ts';
import type { CampaignDocument } from '../engine/schemas.ts';
import { HandoverError } from '../errors.ts';
import type { Wire } from '../wire.ts';
import { type Caller, checkRole } from './access.ts';
import type { Command, Services } from './operations/operation.ts';
import { expectation, tagOf } from './preconditions.ts';

/** A command as it was asked for: by whom, from where, under which conditions. */
export interface Order {
  /** A campaign or its migration; to `start`, a migration. */
  readonly name: string;
  readonly body: { readonly confirm?: string; readonly to?: string };
  readonly by: Caller;
  readonly from: NonNullable<Entry['from']>;
  readonly ifMatch?: string;
  readonly idempotencyKey?: string;
}

export interface Carried {
  readonly etag: string;
  /** It had been carried out before, and was not again. */
  readonly replayed: boolean;
  readonly body: Wire<typeof commandedSchema>;
}

export const commandedSchema = z
  .object({
    command: numberedEntry.exactOptional().meta({
      description: 'Its entry in the audit trail; unset where there was nothing to do',
    }),
    campaign: campaignStatusSchema,
  })
  .meta({ id: 'Commanded', description: 'What was ordered, and the campaign as it is now' });

/**
 * Carries a command out once. The mark that it leaves in the campaign's history is named after its Idempotency-Key: who
 * asks again finds it, whether the answer was lost, the server died, or another one is asked.
 */
export async function carryOut(services: Services, command: Command, given: Order): Promise<Carried> {
  // A campaign's own id and its migration's name mean the same, so the first is what is commanded and marked.
  const aimed = command.id === 'start' ? undefined : await theCampaign(services, given.name);
  const order = aimed ? { ...given, name: aimed.id } : given;
  const migration = aimed?.migration ?? given.name;
  const call = callOf(services, command, order);
  const before =
    order.idempotencyKey === undefined ? undefined : await find(services, migration, call, { command, given });
  if (before) return answer(services, before, true);
  const expects = expectation(order.ifMatch, command);
  await check(services, command, order, expects);
  const { confirm: _, ...options } = order.body;
  const { store, migrations, clock } = services;
  const context: CommandContext = { store, migrations, clock, by: order.by.name, from: order.from, call, expects };
  await command.run(context, order.name, options as never);
  const done = await find(services, migration, call);
  return answer(services, done ?? { campaign: await theCampaign(services, order.name) }, false);
}

/** Before anything else is looked at or done; the same is asked again in the compare-and-set itself. */
async function check(
  services: Services,
  { id, ends }: Command,
  { name, body, ifMatch, by }: Order,
  expects: (current: CampaignDocument) => void,
): Promise<void> {
  const campaign = await (id === 'start' ? openCampaign(services, name) : theCampaign(services, name));
  if (ends?.(body)) {
    checkRole(by, 'admin');
    // Before the first `start` there is no id yet.
    const typed = id === 'start' ? name : campaign!.id;
    if (body.confirm !== typed) throw new HandoverError('request.unconfirmed', `It would end ${typed}.`);
  }
  if (!campaign && ifMatch !== undefined) throw new HandoverError('campaign.changed', `${name} has no open campaign.`);
  if (!campaign) return;
  expects(campaign);
}

/** A key is its owner's: two people may choose the same. */
function callOf({ clock }: Services, { id }: Command, { name, body, by, idempotencyKey }: Order): Call {
  const asked = askedFor(id, name, body);
  return { id: idempotencyKey === undefined ? clock.id(16) : digest(by.name, idempotencyKey), asked };
}

const digest = (...parts: readonly string[]): string => hash('sha256', parts.join('\n'), 'hex').slice(0, 32);

const askedFor = (id: string, name: string, body: Order['body']): string => digest(id, name, JSON.stringify(body));

interface Found {
  readonly campaign: CampaignDocument;
  readonly command?: Numbered;
}

/** `again`: as it was asked for, which in an earlier campaign may have meant that one. */
async function find(
  { store }: Services,
  migration: string,
  call: Call,
  again?: { readonly command: Command; readonly given: Order },
): Promise<Found | undefined> {
  for (const campaign of (await campaignsOf(store, migration)).toReversed()) {
    const byName = again?.given.name === campaign.migration && again.command.id !== 'start';
    const asked = byName ? askedFor(again.command.id, campaign.id, again.given.body) : call.asked!;
    const command = await carriedOut(store, campaign, { ...call, asked });
    if (command) return { campaign, command };
  }
  return undefined;
}

async function answer(services: Services, { campaign, command }: Found, replayed: boolean): Promise<Carried> {
  const status = await campaignStatus(services, campaign);
  return { etag: tagOf(campaign), replayed, body: { ...(command ? { command } : {}), campaign: status } };
}
