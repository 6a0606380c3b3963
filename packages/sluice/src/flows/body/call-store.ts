import type { ApiRequest, ApiResponse, Transport } from "../../client/transport.ts";
import { SluiceError } from "../../wire/errors.ts";

/**
 * Makes a REST call of the contract.
 *
 * @param expected statuses that the caller knows what to do with, beside those of success
 * @throws SluiceError `SLUICE_API_REFUSED` for every other status, with the server's words; what the transport throws
 */
export async function callStore(
  transport: Pick<Transport, "send">,
  request: ApiRequest,
  expected: readonly number[] = [],
): Promise<ApiResponse> {
  const answer = await transport.send(request);
  if (answer.status < 300 || expected.includes(answer.status)) return answer;
  throw new SluiceError(
    "SLUICE_API_REFUSED",
    `The server answered ${answer.status} to ${request.method} ${request.path}: ${answer.body.slice(0, 500)}`,
  );
}
