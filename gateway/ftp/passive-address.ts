/** How a passive port is told to the client. Pure; which address is told is decided elsewhere. */

/** Text after 227, of an IPv4 address (RFC 959 section 4.1.2: h1,h2,h3,h4,p1,p2). */
export function formatPassive(address: string, port: number): string {
  const numbers = [...address.split('.'), port >>> 8, port & 0xff];
  return `Entering Passive Mode (${numbers.join(',')}).`;
}

/** Text after 229 (RFC 2428 section 3): the port alone, on the address of the control connection. */
export function formatExtendedPassive(port: number): string {
  return `Entering Extended Passive Mode (|||${port}|).`;
}
