/**
 * The canonical bytes of a record's content: equal content has equal bytes, whatever order its properties came in, and
 * unequal content has unequal bytes (integer 1 and double 1.0 differ, 0.0 and -0.0 differ). So the bytes are what is
 * stored by the embedded stores, and what is fingerprinted for all of them.
 *
 *     content  = format 1 (byte), properties
 *     properties = count (varint), then by name in code-unit order: name (text), value
 *     value    = tag (bits 0-4 type, 5 meaning follows, 6 unindexed), [meaning (varint)], payload
 *     text     = byte length (varint), UTF-8
 *     varint   = little-endian groups of seven bits, the shortest that holds the number
 *     integer  = as a double where that is exact (a safe integer, never -0), else wideInteger: 64 bits
 *     double   = 64 bits, little-endian; there is one NaN
 *     key      = byte length (varint), the order-preserving form (keyBytes.ts)
 *
 * Bytes that say the same in another way are refused by the decoder, never mended.
 */
export const FORMAT = 1;

export const TAG = {
  null: 0,
  false: 1,
  true: 2,
  integer: 3,
  wideInteger: 4,
  double: 5,
  string: 6,
  bytes: 7,
  timestamp: 8,
  key: 9,
  geoPoint: 10,
  entity: 11,
  array: 12,
} as const;

export const TYPE_BITS = 0x1f;
export const MEANING = 0x20;
export const UNINDEXED = 0x40;

/** Meanings are 32-bit in Cloud Datastore. */
export const MAX_MEANING = 2 ** 31 - 1;
export const MAX_NANOS = 999_999_999;

/** The upper half of the one NaN; the lower is 0. */
export const NAN_HIGH = 0x7ff80000;
