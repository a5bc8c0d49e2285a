import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { token } from '../api.ts';
import { type App, AppContext, type Ask, useServer } from '../app.ts';
import { CommandDialog } from '../parts/CommandDialog.tsx';
import { link, type Route, useRoute } from '../route.ts';
import { Audit } from './Audit.tsx';
import { Campaign } from './Campaign.tsx';
import { Campaigns } from './Campaigns.tsx';
import { Deliveries } from './Deliveries.tsx';
import { History } from './History.tsx';
import { Plan } from './Plan.tsx';
import { Quarantine } from './Quarantine.tsx';
import { Record } from './Record.tsx';
import { Records } from './Records.tsx';
import { SignIn } from './SignIn.tsx';

export function Page() {
  const server = useServer();
  const route = useRoute();
  const [asked, setAsked] = useState<Ask>();
  const [said, announce] = useState('');
  const { door, refused, trouble, status, charts, me, liveness, update, reload, signOut } = server;
  const app = useMemo<App>(
    () => ({
      status,
      charts,
      liveness,
      ...(me ? { me } : {}),
      ...(trouble === undefined ? {} : { trouble }),
      campaign: (id) => status.campaigns.findLast(({ campaign, migration }) => campaign === id || migration === id),
      update,
      reload,
      command: setAsked,
      signOut,
      announce,
    }),
    [status, charts, me, liveness, trouble, update, reload, signOut],
  );
  // What was asked about on one view is not for another.
  const place = JSON.stringify(route);
  useEffect(() => setAsked(undefined), [place]);
  const why = trouble ?? refused;
  if (door === 'closed') return <SignIn {...(why === undefined ? {} : { why })} onDone={reload} />;
  return (
    <AppContext.Provider value={app}>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the content
      </button>
      <Header app={app} />
      <Main route={route} isOpen={door === 'open'} trouble={trouble} />
      {asked && <CommandDialog ask={asked} onClose={() => setAsked(undefined)} />}
      <p class="unseen" role="status">
        {said}
      </p>
    </AppContext.Provider>
  );
}

const LIVENESS = {
  opening: 'Connecting',
  live: 'Live',
  lost: 'Connection lost: what you see may be older',
  stale: 'Not up to date: the store does not answer',
  none: 'Not live: this server sends no events',
} as const;

function Header({ app }: { app: App }) {
  const { liveness, me, reload, signOut } = app;
  return (
    <header class="top">
      <a class="brand" href={link({ at: 'campaigns' })}>
        handover
      </a>
      <nav class="row" aria-label="Main">
        <a href={link({ at: 'campaigns' })}>Campaigns</a>
        <a href={link({ at: 'deliveries' })}>Deliveries</a>
        <a href={link({ at: 'history' })}>History</a>
      </nav>
      <span class={`liveness ${liveness}`} role="status">
        {LIVENESS[liveness]}
      </span>
      <span class="grow" />
      {liveness !== 'live' && (
        <button type="button" class="quiet" onClick={() => void reload()}>
          Look again
        </button>
      )}
      {me && (
        <span class="faint">
          {me.name}, {me.role}
        </span>
      )}
      {/* Where nothing was shown there is nothing to take back. */}
      {token() !== undefined && (
        <button type="button" class="quiet" onClick={signOut}>
          Sign out
        </button>
      )}
    </header>
  );
}

function Main({ route, isOpen, trouble }: { route: Route; isOpen: boolean; trouble: string | undefined }) {
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const place = JSON.stringify(route);
  useEffect(() => {
    document.title = `${titleOf(route)} – handover`;
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
  }, [place]);
  return (
    <main id="main" ref={main} tabIndex={-1}>
      {trouble !== undefined && (
        <p class="note bad" role="alert">
          {trouble}
        </p>
      )}
      {isOpen ? <View key={place} route={route} /> : <p>Loading.</p>}
    </main>
  );
}

function titleOf(route: Route): string {
  switch (route.at) {
    case 'campaigns':
      return 'Campaigns';
    case 'deliveries':
      return 'Deliveries';
    case 'history':
      return 'History';
    case 'plan':
      return `Plan of ${route.migration}`;
    case 'campaign':
      return route.campaign;
    case 'record':
      return `${route.key} in ${route.campaign}`;
    default:
      return `${route.at} of ${route.campaign}`;
  }
}

function View({ route }: { route: Route }) {
  switch (route.at) {
    case 'campaigns':
      return <Campaigns />;
    case 'deliveries':
      return <Deliveries />;
    case 'history':
      return <History />;
    case 'plan':
      return <Plan migration={route.migration} />;
    case 'campaign':
      return <Campaign id={route.campaign} />;
    case 'quarantine':
      return <Quarantine id={route.campaign} />;
    case 'records':
      return <Records id={route.campaign} />;
    case 'audit':
      return <Audit id={route.campaign} />;
    case 'record':
      return <Record id={route.campaign} name={route.key} />;
  }
}
