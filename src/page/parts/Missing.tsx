import { link } from '../route.ts';

export function Missing({ what }: { what: string }) {
  return (
    <>
      <h1>Not there</h1>
      <p>
        {what} <a href={link({ at: 'campaigns' })}>All campaigns</a>
      </p>
    </>
  );
}
