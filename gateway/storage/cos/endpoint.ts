/**
 * Where requests go and under which host name they are signed. Pure.
 *
 * COS is addressed by virtual host only (`<bucket>.cos.<region>.myqcloud.com`, COS page 436/6224), and
 * the host is part of the signature. So an endpoint that names a machine (an IP literal or localhost:
 * the embedded COS, a test, a tunnel) changes only where we connect, never the host we sign for.
 */
import { isIP } from 'node:net';
import { StoreError } from '../object-store.ts';

export type Protocol = 'http' | 'https';

export interface EndpointWords {
  /** `<name>-<appid>`. */
  readonly bucket: string;
  /** May be empty when the endpoint says it or none is needed. */
  readonly region: string;
  /** Empty, host, host:port, or a template with `{bucket}` and `{region}`; `http://` or `https://` before it wins over `protocol`. */
  readonly endpoint: string;
  readonly protocol: Protocol;
}

export interface Endpoint {
  readonly protocol: Protocol;
  /** Host header and signed host; with a port only where it is not the protocol's own. */
  readonly host: string;
  /** `host:port`, `[v6]:port` or a bare host when it differs from `host`. */
  readonly connectTo?: string;
  /** Never empty: the SDK insists on one. */
  readonly region: string;
  /** Host of `x-cos-copy-source`. */
  readonly copySourceHost: string;
}

/** Where to connect, and for TLS which name the certificate must have. */
export interface Address {
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly servername: string;
}

export function addressOf({ protocol, host, connectTo }: Endpoint): Address {
  const { hostname, port } = new URL(`${protocol}://${connectTo ?? host}`);
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(port || defaultPort[protocol].slice(1)),
    servername: host.replace(/:\d+$/, ''),
  };
}

/** Used where COS itself is not asked (the signature does not hold a region). */
const anyRegion = 'ap-guangzhou';
const defaultPort: Readonly<Record<Protocol, string>> = { http: ':80', https: ':443' };
const bucketName = /^[a-z0-9-]+-\d+$/;
const regionName = /^[a-z0-9-]+$/;
const tencentHost = /\.cos(?:-internal)?\.([a-z0-9-]+)\.(?:myqcloud\.com|tencentcos\.cn)$/;
const hostAndPort = /^(?:\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/;

/** @throws StoreError `rejected` with a hint, when the words make no host. */
export function resolveEndpoint(words: EndpointWords): Endpoint {
  if (!bucketName.test(words.bucket)) {
    throw refusal(`bucket ${words.bucket} is not of the form <name>-<appid>`);
  }
  if (words.region !== '' && !regionName.test(words.region)) {
    throw refusal(`region ${words.region} is not a region name`);
  }
  const { protocol, place } = splitProtocol(words);
  if (place === '') return publicEndpoint(words, protocol);
  if (!hasUsablePort(place)) throw refusal(`endpoint ${words.endpoint} has no usable port`);
  return isMachine(place)
    ? {
        ...publicEndpoint({ ...words, region: words.region || anyRegion }, protocol),
        connectTo: place,
      }
    : namedEndpoint(words, protocol, place);
}

function splitProtocol(words: EndpointWords): { protocol: Protocol; place: string } {
  const match = /^(?:(https?):\/\/)?(.*?)\/?$/i.exec(words.endpoint.trim());
  const protocol = (match?.[1]?.toLowerCase() as Protocol | undefined) ?? words.protocol;
  const typed = match?.[2] ?? '';
  const bracketed = isIP(typed) === 6 ? `[${typed}]` : typed;
  return { protocol, place: bracketed };
}

function publicEndpoint({ bucket, region }: EndpointWords, protocol: Protocol): Endpoint {
  if (region === '') throw refusal('neither region nor endpoint is given');
  const host = `${bucket}.cos.${region}.myqcloud.com`;
  return { protocol, host, region, copySourceHost: host };
}

function namedEndpoint(words: EndpointWords, protocol: Protocol, place: string): Endpoint {
  const isTemplate = /\{(?:bucket|region)\}/i.test(place);
  if (isTemplate && words.region === '' && /\{region\}/i.test(place)) {
    throw refusal('the endpoint holds {region} but no region is given');
  }
  const filled = isTemplate
    ? place.replace(/\{bucket\}/gi, words.bucket).replace(/\{region\}/gi, words.region)
    : `${words.bucket}.${place}`;
  const host = withoutDefaultPort(filled.toLowerCase(), protocol);
  if (!hostAndPort.test(host)) throw refusal(`endpoint ${words.endpoint} is not a host name`);
  const said = tencentHost.exec(host)?.[1];
  const region = said ?? words.region;
  return {
    protocol,
    host,
    region: region || anyRegion,
    // COS wants its own host name there, whatever name we reach it by; a store that is not Tencent's
    // and has no region can only know the name we use.
    copySourceHost: region === '' ? host : `${words.bucket}.cos.${region}.myqcloud.com`,
  };
}

/** True also where there is none: the protocol's own is meant. */
function hasUsablePort(place: string): boolean {
  const port = /^(?:\[.*\]|[^:]*):(\d+)$/.exec(place)?.[1];
  return port === undefined || (Number(port) >= 1 && Number(port) <= 65_535);
}

/** An IP literal or localhost, with or without port. */
function isMachine(place: string): boolean {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(place);
  const name = match?.[1] ?? match?.[2] ?? '';
  return name.toLowerCase() === 'localhost' || isIP(name) !== 0;
}

/** HTTP clients leave the protocol's own port out of the Host header, so it must not be signed. */
function withoutDefaultPort(host: string, protocol: Protocol): string {
  return host.endsWith(defaultPort[protocol]) ? host.slice(0, -defaultPort[protocol].length) : host;
}

function refusal(message: string): StoreError {
  return new StoreError('rejected', message, { hint: 'check bucket, region and endpoint' });
}
