/** Aborts when this process is to end: by SIGTERM, by Ctrl-C, or by the end of its parent. */
export function stopping(): AbortSignal {
  const stop = new AbortController();
  process.on('SIGTERM', () => stop.abort());
  // Ctrl-C reaches the whole family; a child leaves it to its parent to say what is to stop, and when.
  process.on('SIGINT', () => process.connected || stop.abort());
  // The parent is gone, however it went: nobody reads on.
  process.on('disconnect', () => stop.abort());
  return stop.signal;
}
