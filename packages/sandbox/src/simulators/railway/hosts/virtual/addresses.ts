const PER_NETWORK = 250

/** The n-th loopback address that instances live at; 127.0.0.1 and its neighbours are never among them. */
export function loopbackAddress(n: number): string {
  const network = Math.floor(n / PER_NETWORK)
  return `127.${1 + Math.floor(network / PER_NETWORK)}.${network % PER_NETWORK}.${1 + (n % PER_NETWORK)}`
}
