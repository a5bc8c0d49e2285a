import { hash } from 'node:crypto';
import { decodeProperties } from './decode.ts';
import { encodeProperties } from './encode.ts';
import type { Properties } from './value.ts';

/**
 * What a record says, without its slot. Immutable. Properties and canonical bytes are two forms of it, each made from
 * the other only when asked for: a record that is moved unchanged is neither decoded nor encoded.
 */
export class Content {
  #properties: Properties | undefined;
  #bytes: Buffer | undefined;
  #fingerprint: string | undefined;
  #read: (() => Properties) | undefined;

  private constructor(properties?: Properties, bytes?: Buffer, read?: () => Properties) {
    this.#properties = properties;
    this.#bytes = bytes;
    this.#read = read;
  }

  static of(properties: Properties): Content {
    return new Content(properties);
  }

  /** From canonical bytes; they are kept, not copied. */
  static fromBytes(bytes: Buffer): Content {
    return new Content(undefined, bytes);
  }

  /** From a third form, a store's own. `read` may throw, as for values without a typed form: so does every use then. */
  static deferred(read: () => Properties): Content {
    return new Content(undefined, undefined, read);
  }

  get properties(): Properties {
    this.#properties ??= this.#read ? this.#read() : decodeProperties(this.#bytes!);
    this.#read = undefined;
    return this.#properties;
  }

  get bytes(): Buffer {
    this.#bytes ??= encodeProperties(this.#properties ?? this.properties);
    return this.#bytes;
  }

  /**
   * 22 characters that are equal exactly when the content is: the first 128 bits of SHA-256 over the canonical bytes.
   * A cryptographic hash, because whoever can make two contents collide can make a stale shadow look fresh.
   */
  get fingerprint(): string {
    this.#fingerprint ??= hash('sha256', this.bytes, 'base64url').slice(0, 22);
    return this.#fingerprint;
  }

  equals(other: Content): boolean {
    return this === other || this.bytes.equals(other.bytes);
  }
}

export const EMPTY: Content = Content.of(new Map());
