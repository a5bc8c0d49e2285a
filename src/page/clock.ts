/** The page's only source of time and chance, as src/clock.ts is the engine's. */
export const now = (): number => Date.now();

export const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });

/** Calls once, when nobody has put it off for so long. */
export function watchdog(ms: number, call: () => void): { putOff(): void; stop(): void } {
  let timer = setTimeout(call, ms);
  const stop = () => clearTimeout(timer);
  return {
    putOff: () => {
      stop();
      timer = setTimeout(call, ms);
    },
    stop,
  };
}

/** Calls until it is told to stop. */
export function every(ms: number, call: () => void): () => void {
  const timer = setInterval(call, ms);
  return () => clearInterval(timer);
}

/** 32 hexadecimal digits. `crypto.randomUUID` is there on secure origins only; this is there on all. */
export const freshId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
