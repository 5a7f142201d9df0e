import { lookup } from 'node:dns';
import net, { type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { SinkError } from './sink.ts';

/** Why results may not be sent to this IP address; undefined: they may. */
export type AddressGuard = (address: string) => string | undefined;

/** Lets pass what is on the public internet: nothing of this host, of a private network, or of a cloud's metadata service. */
export const publicAddress: AddressGuard = (address) => {
  const range = ipaddr.process(address).range();
  return range === 'unicast' ? undefined : `${address} is no public address (${range})`;
};

/** @throws SinkError `sink_forbidden` for a host that is an address and may not be sent to */
export function checkLiteral(host: string, guard: AddressGuard): void {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const reason = net.isIP(bare) === 0 ? undefined : guard(bare);
  if (reason !== undefined) throw forbidden(host, reason);
}

/** Resolves names, and refuses those of which any address may not be sent to: the connection goes to an address that was looked at. */
export function guardedLookup(guard: AddressGuard): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 0);
      const reason = addresses.map(({ address }) => guard(address)).find((text) => text !== undefined);
      if (reason !== undefined) return callback(forbidden(host, reason), '', 0);
      if (options.all === true) return callback(null, addresses as never, 0);
      const [first] = addresses;
      callback(null, first?.address ?? '', first?.family ?? 0);
    });
  };
}

function forbidden(host: string, reason: string): SinkError {
  const remedy = 'set privateAddress: on for this sink, if that is meant';
  return new SinkError('sink_forbidden', `results may not be sent to ${host}: ${reason}; ${remedy}`);
}
