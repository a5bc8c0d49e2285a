/** ES2024, and in every Node this runs on; the compiler's library is one year behind. */
type Checkable = string & { isWellFormed(): boolean };

/** Whether a string has a UTF-8 form. One with a lone surrogate has none: two different ones would come out as one. */
export function isText(text: unknown): text is string {
  return typeof text === 'string' && (text as Checkable).isWellFormed();
}
