import { useEffect, useState } from 'preact/hooks';

/** Where one is on the page. It stands behind the address's `#`, so that the server has one page to serve. */
export type Route =
  | { readonly at: 'campaigns' | 'deliveries' | 'history' }
  | { readonly at: 'plan'; readonly migration: string }
  | { readonly at: 'campaign' | 'quarantine' | 'records' | 'audit'; readonly campaign: string }
  | { readonly at: 'record'; readonly campaign: string; readonly key: string };

function parse(hash: string): Route {
  const [first, name, part, key] = hash.replace(/^#\/?/, '').split('/').map(decoded);
  if (first === 'plan' && name) return { at: 'plan', migration: name };
  if (first === 'deliveries' || first === 'history') return { at: first };
  if (first !== 'campaigns' || !name) return { at: 'campaigns' };
  if (part === 'record' && key) return { at: 'record', campaign: name, key };
  if (part === 'quarantine' || part === 'records' || part === 'audit') return { at: part, campaign: name };
  return { at: 'campaign', campaign: name };
}

export function link(route: Route): string {
  const part = encodeURIComponent;
  switch (route.at) {
    case 'campaigns':
      return '#/';
    case 'deliveries':
    case 'history':
      return `#/${route.at}`;
    case 'plan':
      return `#/plan/${part(route.migration)}`;
    case 'campaign':
      return `#/campaigns/${part(route.campaign)}`;
    case 'record':
      return `#/campaigns/${part(route.campaign)}/record/${part(route.key)}`;
    default:
      return `#/campaigns/${part(route.campaign)}/${route.at}`;
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => setHash(location.hash);
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return parse(hash);
}
