/** Told of what went wrong where the work goes on by itself, each time. */
export type OnError = (error: unknown) => void;

/**
 * A callback of the application's that cannot end the work: what it throws, or rejects with, is told to `onError`, and what
 * that throws is nobody's.
 */
export const guarded =
  <T>(tell: ((told: T) => unknown) | undefined, onError: OnError | undefined) =>
  (told: T): void => {
    const telling = async () => tell?.(told);
    const failed = async (error: unknown) => onError?.(error);
    telling()
      .catch(failed)
      .catch(() => undefined);
  };
