import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useState } from 'preact/hooks';
import { ask, forgetToken, paths, Refused, token } from './api.ts';
import { type Liveness, listen } from './live.ts';
import type { Options } from './options.ts';
import { forgetPlans } from './plans.ts';
import type { CampaignStatus, Charts, Me, Status } from './types.ts';
import { sayOf } from './use.ts';
import type { VerbId } from './verbs.ts';

/** A command that is about to be given: asked for by a button, and shown in a dialog before it is done. */
export interface Ask {
  readonly verb: VerbId;
  readonly migration: string;
  /** Unset: there is no campaign yet. */
  readonly campaign?: string;
  readonly options: Options;
  /** Called when it is done, if only for some of the keys: with those. */
  readonly onDone?: (keys: readonly string[]) => void;
}

export interface App {
  readonly status: Status;
  readonly charts: Charts;
  /** Unset until it is known. */
  readonly me?: Me;
  readonly liveness: Liveness;
  /** Why the page could not be loaded, or brought up to date. */
  readonly trouble?: string;
  campaign(id: string): CampaignStatus | undefined;
  /** Shows what the answer to a command said. */
  update(status: CampaignStatus): void;
  reload(): Promise<void>;
  command(ask: Ask): void;
  signOut(): void;
  /** Says it to a screen reader. */
  announce(text: string): void;
}

export const AppContext = createContext<App | undefined>(undefined);
export const useApp = (): App => useContext(AppContext)!;

export type Door = 'opening' | 'open' | 'closed';

const NONE: Status = { campaigns: [], unstarted: [] };

/** Of a token that is kept; nothing is said to who has shown none. */
const noEntry = ({ problem }: Refused): string | undefined =>
  token() === undefined ? undefined : `The token does not let in here. ${problem.detail ?? ''} (${problem.code})`;

/** All that comes from the server and lives as long as the page. */
export function useServer() {
  const [door, setDoor] = useState<Door>('opening');
  const [refused, setRefused] = useState<string>();
  const [trouble, setTrouble] = useState<string>();
  const [status, setStatus] = useState<Status>(NONE);
  const [charts, setCharts] = useState<Charts>({});
  const [me, setMe] = useState<Me>();
  const [liveness, setLiveness] = useState<Liveness>('opening');

  const update = useCallback((one: CampaignStatus) => setStatus((all) => withOne(all, one)), []);
  const close = useCallback((why?: string) => {
    setRefused(why);
    setTrouble(undefined);
    setMe(undefined);
    setStatus(NONE);
    setDoor('closed');
  }, []);
  const reload = useCallback(async () => {
    try {
      const [all, machines, caller] = await Promise.all([
        ask<Status>(paths.campaigns),
        ask<Charts>(paths.machines),
        ask<Me>(paths.me),
      ]);
      setMe(caller.body);
      setStatus(all.body);
      setCharts(machines.body);
      setTrouble(undefined);
      setRefused(undefined);
      setDoor('open');
    } catch (error) {
      if (error instanceof Refused && error.problem.status === 401) return close(noEntry(error));
      setRefused(undefined);
      setTrouble(sayOf(error));
    }
  }, [close]);

  useEffect(() => {
    void reload();
  }, [reload]);

  useEffect(() => {
    if (door !== 'open') return;
    const abort = new AbortController();
    const refused = (error: Refused) => close(noEntry(error));
    void listen({ campaign: update, campaigns: setStatus, liveness: setLiveness, refused }, abort.signal);
    return () => abort.abort();
  }, [door, update, close]);

  const signOut = useCallback(() => {
    forgetToken();
    forgetPlans();
    close();
  }, [close]);
  return { door, refused, trouble, status, charts, me, liveness, update, reload, signOut };
}

function withOne(all: Status, one: CampaignStatus): Status {
  const known = all.campaigns.some(({ campaign }) => campaign === one.campaign);
  return {
    ...all,
    campaigns: known
      ? all.campaigns.map((each) => (each.campaign === one.campaign ? one : each))
      : [...all.campaigns, one],
    unstarted: all.unstarted.filter(({ name }) => name !== one.migration),
  };
}
