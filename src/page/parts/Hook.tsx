import { count, many, moment } from '../format.ts';
import type { CampaignStatus } from '../types.ts';

/** What the campaign waits for: a function of the migration's author. */
export function Hook({ status }: { status: CampaignStatus }) {
  const { hook, groupHooks = 0 } = status;
  return (
    <>
      {hook && (
        <p class={hook.state === 'failed' ? 'note warn' : 'note'}>
          {hook.waits && `“${hook.waits.what}” takes effect when a hook is done. `}
          Hook <code>{hook.hook}</code>: {hook.state}
          {hook.attempt > 0 && `, attempt ${count(hook.attempt)}`}
          {hook.cause !== undefined && `: ${hook.cause}`}
          {hook.nextAt !== undefined && `; next attempt ${moment(hook.nextAt)}`}.
        </p>
      )}
      {groupHooks > 0 && (
        <p class="note">
          Hook <code>onGroupWhole</code>: due for {many(groupHooks, 'group')}.
        </p>
      )}
    </>
  );
}
