import { HandoverError } from '../errors.ts';
import { MAX_INTEGER, MIN_INTEGER } from './value.ts';

/**
 * A moment, to the nanosecond, further into past and future than `Date` reaches. Immutable. `<`, `>` and `-` compare
 * in milliseconds with fractions: good to a microsecond, which is what Cloud Datastore keeps.
 */
export class Timestamp {
  /** Seconds since 1970, negative before. */
  readonly seconds: bigint;
  /** 0 to 999,999,999, counted forward from `seconds` also before 1970. */
  readonly nanos: number;

  private constructor(seconds: bigint, nanos: number) {
    this.seconds = seconds;
    this.nanos = nanos;
    Object.freeze(this);
  }

  /** Throws `value.invalid` unless `seconds` is a 64-bit integer and `nanos` 0 to 999,999,999. */
  static of(seconds: bigint | number, nanos = 0): Timestamp {
    const whole = typeof seconds === 'bigint' || Number.isSafeInteger(seconds);
    if (!whole || !Number.isInteger(nanos) || nanos < 0 || nanos > 999_999_999) throw notMoment(seconds, nanos);
    const exact = BigInt(seconds);
    if (exact < MIN_INTEGER || exact > MAX_INTEGER) throw notMoment(seconds, nanos);
    return new Timestamp(exact, nanos + 0);
  }

  /** Throws `value.invalid` for an invalid date. */
  static fromDate(date: Date): Timestamp {
    const ms = date.getTime();
    if (Number.isNaN(ms)) throw new HandoverError('value.invalid', 'An invalid Date is not a moment.');
    const seconds = Math.floor(ms / 1000);
    return new Timestamp(BigInt(seconds), (ms - seconds * 1000) * 1_000_000);
  }

  /** Cut to the millisecond; an invalid date beyond the 275,760 years on which `Date` ends. */
  toDate(): Date {
    return new Date(Number(this.seconds) * 1000 + Math.floor(this.nanos / 1_000_000));
  }

  /** Milliseconds since 1970, with fractions. */
  valueOf(): number {
    return Number(this.seconds) * 1000 + this.nanos / 1_000_000;
  }

  /** ISO 8601 with nine digits: `2025-11-22T20:50:00.123456789Z`; beyond the range of `Date`, plain seconds. */
  toString(): string {
    const fraction = String(this.nanos).padStart(9, '0');
    const date = this.toDate();
    if (Number.isNaN(date.getTime())) return `${this.seconds}s +${fraction}ns`;
    return date.toISOString().replace(/\d{3}Z$/, `${fraction}Z`);
  }

  toJSON(): string {
    return this.toString();
  }
}

function notMoment(seconds: bigint | number, nanos: number): HandoverError {
  return new HandoverError('value.invalid', `${seconds} s and ${nanos} ns are not a moment.`);
}

/** A place on Earth, in degrees. Immutable; whether it exists is checked when it is stored. */
export class GeoPoint {
  readonly latitude: number;
  readonly longitude: number;

  constructor(latitude: number, longitude: number) {
    this.latitude = latitude;
    this.longitude = longitude;
    Object.freeze(this);
  }
}

/** A new value together with what its plain form does not say. Made by `double`, `integer` and `unindexed`. */
export class Explicit {
  readonly as: 'double' | 'integer' | 'unindexed';
  readonly value: unknown;

  constructor(as: Explicit['as'], value: unknown) {
    this.as = as;
    this.value = value;
  }
}

/** Stored as a double, though it be a whole number. */
export function double(value: number): Explicit {
  return new Explicit('double', value);
}

/** Stored as a 64-bit integer, though the property was a double. It must be a whole number, and a safe one if not a bigint. */
export function integer(value: number | bigint): Explicit {
  return new Explicit('integer', value);
}

/**
 * Stored outside the indexes. Wraps anything, other wrappers too. An object is excluded as a whole; of an array every
 * element is (Cloud Datastore knows no flag on an array itself).
 */
export function unindexed(value: unknown): Explicit {
  return new Explicit('unindexed', value);
}
