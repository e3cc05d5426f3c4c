import { ClientError, LoginRequiredError, RefusedError } from "../errors.js";

/**
 * What `GET api/client` tells.
 * @typedef {object} ServerInfo
 * @property {string} version
 * @property {string} desktop_name
 * @property {{name: string, permissions: string[]}} user
 * @property {boolean} login_required  false when the server lets everybody in
 * @property {{name: string, path: string}[]} transports  in the server's order; paths are relative
 * @property {"auto" | "always" | "never"} [upgrade]  when to go on over another transport than it
 *   joined by; auto by default
 * @property {Record<string, string | null>} decoders  relative URL by codec; null: the client's own
 */

const ANSWER_LIMIT_MS = 10000;

/**
 * Ask the server what it is and whether it knows us.
 * @param {URL} base  the server's root, with a slash at its end
 * @returns {Promise<ServerInfo>}
 * @throws {LoginRequiredError} nobody is logged in, or no longer
 * @throws {RefusedError} coming back would not help
 * @throws {ClientError} it cannot be reached now
 */
export async function fetchServerInfo(base) {
  const signal = AbortSignal.timeout(ANSWER_LIMIT_MS);
  const url = new URL("api/client", base);
  const response = await fetch(url, { cache: "no-store", signal }).catch(() => {
    throw new ClientError("The server cannot be reached.", unreachableRemedy(base));
  });
  if (response.status === 401) throw new LoginRequiredError("Sign in to see this desktop.");
  if (response.status === 403) {
    throw new RefusedError("The server refuses this page.", "Ask its operator for access.");
  }
  if (!response.ok) {
    throw new ClientError(`The server answers with an error (HTTP ${response.status}).`);
  }
  return checked(
    await response.json().catch(() => {
      throw new RefusedError(`What answers at ${base.href} is no kasmcore server.`);
    }),
    base,
  );
}

/**
 * @param {any} info
 * @param {URL} base
 * @returns {ServerInfo}
 */
function checked(info, base) {
  if (Array.isArray(info?.transports) && typeof info.decoders === "object") return info;
  throw new RefusedError(`What answers at ${base.href} is no kasmcore server.`);
}

/** @param {URL} base */
function unreachableRemedy(base) {
  return base.protocol === "https:"
    ? "It may be restarting. If this stays, reload the page: the browser then says whether it still trusts the server's certificate."
    : "It may be restarting.";
}
