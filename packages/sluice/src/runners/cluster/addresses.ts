import { networkInterfaces } from "node:os";
import { SluiceError } from "../../wire/errors.ts";

/** Whether a host is this machine, for whoever runs on it. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || host.startsWith("127.");
}

/** Whether an address is one of this machine's own. */
export function isOwnHost(host: string): boolean {
  if (isLoopback(host)) return true;
  return Object.values(networkInterfaces()).some((found) => found?.some(({ address }) => address === host) === true);
}

/** As flows/session.ts writes it. */
interface StoreAddress {
  readonly socketPath?: string | undefined;
  readonly url?: string;
  readonly apiKey?: string;
  readonly authString?: string;
}

/**
 * Gives the address of the server that the cluster's nodes are to use.
 *
 * @param cluster host names or addresses of its nodes, and whether what goes to them is encrypted
 * @param apiUrl option of the runner: in place of the URL that this process uses
 * @throws SluiceError SLUICE_CLUSTER_UNFIT for a server that only this machine can reach while workers are on others; for credentials that would go over plain tcp
 */
export function reachableHome(
  link: Readonly<Record<string, string>>,
  cluster: { readonly hosts: readonly string[]; readonly isEncrypted: boolean },
  apiUrl: string | null,
): Readonly<Record<string, string>> {
  const { home } = link;
  // A test's engine has no home.
  if (home === undefined) return link;
  const own = JSON.parse(home) as StoreAddress;
  const used = apiUrl === null ? own : { ...own, url: apiUrl, socketPath: undefined };
  const remote = cluster.hosts.find((host) => !isOwnHost(host));
  if (remote !== undefined) {
    refuseUnreachable(used, remote);
    if (!cluster.isEncrypted) refuseOpenCredentials(used, remote);
  }
  return { ...link, home: JSON.stringify(used) };
}

function refuseUnreachable({ url, socketPath }: StoreAddress, remote: string): void {
  if (url === undefined) {
    throw new SluiceError(
      "SLUICE_CLUSTER_UNFIT",
      `The cluster has nodes on other machines (${remote}), and this flow keeps its runs in a home of this machine${socketPath === undefined ? "" : ` (${socketPath})`}. ` +
        `Start a server that the nodes can reach (npx sluice server start --host 0.0.0.0) and set SLUICE_API_URL to its address.`,
    );
  }
  if (!isLoopback(new URL(url).hostname)) return;
  throw new SluiceError(
    "SLUICE_CLUSTER_UNFIT",
    `The cluster has nodes on other machines (${remote}), which cannot reach the server at ${url}: that is each machine itself. ` +
      `Set SLUICE_API_URL, or the option apiUrl of the task runner, to an address that the nodes can reach.`,
  );
}

function refuseOpenCredentials({ apiKey, authString }: StoreAddress, remote: string): void {
  if (apiKey === undefined && authString === undefined) return;
  throw new SluiceError(
    "SLUICE_CLUSTER_UNFIT",
    `The nodes of the cluster (${remote}) need the credentials of your server to report their runs, and this connection is not encrypted. Use TLS (a tls:// scheduler), or a server without credentials in a network of its own.`,
  );
}
