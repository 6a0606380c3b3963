import { ServerCore } from "../server/server-core.ts";
import type { HomeServer, HomeServerOptions } from "./home-server.ts";

/** Opens the database of a home and the server over it; only for the holder of the home's lock. @throws SluiceError see `ServerCore.open` */
export function openHomeServer(options: HomeServerOptions): HomeServer {
  return ServerCore.open({
    databaseFile: options.paths.databaseFile,
    synchronous: options.synchronous,
    leaseSeconds: options.leaseSeconds,
    testing: options.testing,
    uiUrl: options.uiUrl,
    settings: options.server,
  });
}
