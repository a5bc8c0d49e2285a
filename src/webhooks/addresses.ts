import { type LookupAddress, lookup as resolveName } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { rootCertificates } from 'node:tls';
import ipaddr from 'ipaddr.js';
import { buildConnector } from 'undici';
import { HandoverError } from '../errors.ts';

/** The connector of undici, which opens the socket of one request. */
export type Connector = ReturnType<typeof buildConnector>;

/** Whether a connection to this address may be opened for this host name. */
export type Permits = (host: string, address: string) => boolean;

/** An address that nobody outside may make this process talk to. */
export class ForbiddenAddress extends Error {
  constructor(host: string, addresses: readonly string[]) {
    super(`${host} is at ${addresses.join(', ') || 'no address'}, which is not a public address nor allowed`);
  }
}

/** How sockets are opened: milliseconds for it, and an authority that is trusted beside the usual ones. */
interface Sockets {
  readonly timeout: number;
  readonly ca: string | undefined;
}

/** What the Internet routes of IPv6: all the rest is local, reserved, or IPv4 in disguise. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Only what is public is permitted, and what the list names: addresses, ranges (`10.0.0.0/8`) and host names.
 * Throws `subscription.invalid` for an entry that is none of these.
 */
export function permitting(allow: readonly string[]): Permits {
  const ranges = allow.filter((entry) => entry.includes('/') || isIP(bare(entry)) > 0).map(rangeOf);
  const names = new Set(allow.filter((entry) => !entry.includes('/')).map((entry) => nameOf(entry)));
  return (host, address) => {
    if (!ipaddr.isValid(address)) return false;
    const parsed = ipaddr.process(address);
    return names.has(nameOf(host)) || ranges.some((range) => isWithin(parsed, range)) || isPublic(parsed);
  };
}

/**
 * Opens sockets to permitted addresses only. What is checked is what is connected to: the name is resolved here, once, and
 * a name that is an address never reaches a resolver. `connected` is told before the first byte of a request is written.
 */
export function guardedConnector(permits: Permits, { timeout, ca }: Sockets, connected: () => void): Connector {
  const trusted = ca === undefined ? {} : { ca: [...rootCertificates, ca] };
  const connect = buildConnector({ lookup: guardedLookup(permits), timeout, ...trusted });
  return (options, callback) => {
    const host = bare(options.hostname);
    if (isIP(host) > 0 && !permits(host, host)) return callback(new ForbiddenAddress(host, [host]), null);
    connect(options, (...opened) => {
      if (opened[0] === null) connected();
      callback(...opened);
    });
  };
}

function guardedLookup(permits: Permits): LookupFunction {
  return (host, options, callback) =>
    resolveName(host, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const permitted = addresses.filter(({ address }) => permits(host, address));
      if (permitted.length === 0) {
        return callback(
          new ForbiddenAddress(
            host,
            addresses.map(({ address }) => address),
          ),
          [],
        );
      }
      if (options.all) return callback(null, permitted);
      const { address, family } = permitted[0] as LookupAddress;
      callback(null, address, family);
    });
}

type Address = ReturnType<typeof ipaddr.parse>;
type Range = ReturnType<typeof ipaddr.parseCIDR>;

function isPublic(address: Address): boolean {
  const range = address.range();
  if (!(address instanceof ipaddr.IPv6)) return range === 'unicast';
  // RFC 6052: where there is no IPv4, names resolve to this prefix and the IPv4 address behind the translator.
  if (range === 'rfc6052') return isPublic(new ipaddr.IPv4(address.toByteArray().slice(12)));
  return range === 'unicast' && address.match(GLOBAL_UNICAST);
}

function isWithin(address: Address, [network, bits]: Range): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}

function rangeOf(entry: string): Range {
  try {
    if (entry.includes('/')) return ipaddr.parseCIDR(entry);
    const address = ipaddr.process(bare(entry));
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch (error) {
    throw new HandoverError('subscription.invalid', `${entry} is no range of addresses.`, { entry }, { cause: error });
  }
}

const bare = (host: string) => host.replace(/^\[(.*)\]$/, '$1');

const nameOf = (host: string) => bare(host).toLowerCase().replace(/\.$/, '');
