import { useState } from 'preact/hooks';
import { LIMITS } from '../../limits.ts';

/** Which page of a long list is shown: the cursors that led there. */
export function usePages() {
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  return {
    /** What is asked for one page. */
    query: { limit: String(LIMITS.pageRows), ...(cursor ? { cursor } : {}) },
    first: () => setCursors([]),
    back: cursors.length > 0 ? () => setCursors(cursors.slice(0, -1)) : undefined,
    on: (next: string) => setCursors([...cursors, next]),
  };
}

interface PagerProps {
  readonly pages: ReturnType<typeof usePages>;
  /** The cursor of the next page, where there is one. */
  readonly next: string | undefined;
}

export function Pager({ pages: { back, on }, next }: PagerProps) {
  return (
    <p class="row">
      {back && (
        <button type="button" onClick={back}>
          Page before
        </button>
      )}
      {next !== undefined && (
        <button type="button" onClick={() => on(next)}>
          Next page
        </button>
      )}
    </p>
  );
}
