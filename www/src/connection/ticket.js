import { ClientError, LoginRequiredError } from "../errors.js";

const ANSWER_LIMIT_MS = 10000;

/**
 * A ticket that lets one connection in whose transport does not carry the browser's login.
 * @param {URL} base  the server's root
 * @returns {Promise<string>}
 * @throws {ClientError} there is none
 */
export async function fetchTicket(base) {
  const signal = AbortSignal.timeout(ANSWER_LIMIT_MS);
  const url = new URL("api/ticket", base);
  const response = await fetch(url, { method: "POST", signal }).catch(() => {
    throw new ClientError("The server cannot be reached.");
  });
  if (response.status === 401) throw new LoginRequiredError("Sign in to see this desktop.");
  const answer = response.ok ? await response.json().catch(() => null) : null;
  if (typeof answer?.ticket === "string") return answer.ticket;
  throw new ClientError(`The server gives no ticket to connect (HTTP ${response.status}).`);
}
