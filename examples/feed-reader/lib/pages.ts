import type { Article, Feed, Note, Owned } from '../migrations/feeds-under-users.ts';
import type { Kind } from './records.ts';

export interface Listed<R> {
  readonly id: bigint | string;
  readonly record: R;
}

interface Lists {
  readonly feeds: readonly Listed<Feed>[];
  readonly articles: readonly Listed<Article>[];
  readonly notes: readonly Listed<Note>[];
}

/** Where a kind's records are in the site's own paths, which no migration changes. */
export const KIND_IN_PATH: Readonly<Record<string, Kind>> = { feeds: 'Feed', articles: 'Article', notes: 'Note' };

/** The header that says, when a visit was counted, which one it was. */
export const VISITS = 'visits';

export const pathOf = (user: string): string => `/users/${encodeURIComponent(user)}`;

export const frontPage = (users: readonly string[]): string =>
  document(
    'A feed reader',
    `<h1>A feed reader</h1>
    <ul class="users">${users.map((user) => `<li><a href="${pathOf(user)}">${safe(user)}</a></li>`).join('')}</ul>`,
  );

/** What a user sees. Where each record stands just now does not show. */
export const userPage = (user: string, count: number, { feeds, articles, notes }: Lists): string =>
  document(
    `${user}: feed reader`,
    `<nav><a href="/">All users</a></nav>
    <h1>${safe(user)} <small>${count} saved</small></h1>
    <div class="lists">
      ${section(user, 'feeds', 'Feeds', feeds, ({ title, url, where }) => {
        return `${link(url, title)} <small>${where.latitude.toFixed(2)}°, ${where.longitude.toFixed(2)}°</small>`;
      })}
      ${section(user, 'articles', 'Newest articles', articles, ({ headline, url, savedAt }) => {
        return `${link(url, headline)} <small>${savedAt.toDate().toISOString().slice(0, 10)}</small>`;
      })}
      ${section(user, 'notes', 'Notes', notes, ({ text }) => safe(text))}
    </div>`,
  );

function section<R extends Owned>(
  user: string,
  list: string,
  title: string,
  listed: readonly Listed<R>[],
  said: (record: R) => string,
): string {
  const items = listed.map(({ id, record }) => {
    const path = `${pathOf(user)}/${list}/${encodeURIComponent(String(id))}`;
    return `<li data-record="${list}/${safe(String(id))}" data-visits="${record.visits}">
      <div>${said(record)}</div>
      <form method="post" action="${safe(path)}">${list === 'notes' ? EDITOR : ''}
        <button>${list === 'notes' ? 'Write' : 'Visit'}</button> <small>${record.visits} ${record.visits === 1 ? 'visit' : 'visits'}</small>
      </form></li>`;
  });
  return `<section><h2>${title}</h2><ul>${items.join('\n')}</ul></section>`;
}

const EDITOR = `<input name="text" required aria-label="New text of the note">`;

const link = (url: string, text: string) => `<a href="${safe(url)}">${safe(text)}</a>`;

const safe = (text: string): string => text.replaceAll(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

const document = (title: string, body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${safe(title)}</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  a { color: light-dark(#0645ad, #8ab4f8); }
  body { background: light-dark(#fff, #14171a); color: light-dark(#14171a, #e8eaed); margin: 1rem auto; max-width: 75rem; padding: 0 1rem; }
  .lists { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 0 2.5rem; }
  ul { list-style: none; margin: 0; padding: 0; }
  li { border-top: 1px solid #8886; padding: 0.5rem 0; }
  form { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; }
  .users { columns: 10rem; }
</style></head><body><main>${body}</main></body></html>`;
