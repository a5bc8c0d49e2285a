const HEADER_BYTES = 9;
const END_STREAM = 1;
/** DATA and HEADERS: the types of frames that can end a stream. */
const CAN_END = [0, 1];

/** Counts the answers in what a server sends on one HTTP/2 connection, by their frames (RFC 9113, section 4.1). */
export class Answers {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #have = 0;
  /** Bytes left of the payload under way. */
  #left = 0;

  /** How many answers end with these bytes. */
  endedBy(bytes: Buffer): number {
    let ended = 0;
    for (let at = 0; at < bytes.length; ) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, bytes.length - at);
        this.#left -= step;
        at += step;
        continue;
      }
      const copied = bytes.copy(this.#header, this.#have, at, at + HEADER_BYTES - this.#have);
      this.#have += copied;
      at += copied;
      if (this.#have < HEADER_BYTES) break;
      this.#have = 0;
      this.#left = this.#header.readUIntBE(0, 3);
      if (CAN_END.includes(this.#header[3]!) && (this.#header[4]! & END_STREAM) !== 0) ended++;
    }
    return ended;
  }
}
