import * as websocket from "./websocket.js";

/**
 * What a transport tells. `closed` comes once, whoever closed; nothing follows it.
 * @typedef {object} TransportEvents
 * @property {() => void} opened
 * @property {(bytes: Uint8Array<ArrayBuffer>) => void} received  the bytes never change afterwards
 * @property {(reason: string) => void} closed  reason: the peer's words, may be empty
 */

/**
 * @typedef {object} TransportConnection
 * @property {(lane: "control" | "frames" | "bulk", message: Uint8Array<ArrayBuffer>) => void} send
 *   one whole message; dropped when the connection is not open
 * @property {() => void} close  safe to repeat
 */

/** @typedef {(url: string, events: TransportEvents) => TransportConnection} OpenTransport */

/** @type {Map<string, OpenTransport>} */
const TRANSPORTS = new Map([[websocket.name, websocket.open]]);

/**
 * The first transport of the server's list that this client has.
 * @template {{name: string}} T
 * @param {T[]} offered  in the server's order
 * @returns {T | undefined}
 */
export function chooseTransport(offered) {
  return offered.find(({ name }) => TRANSPORTS.has(name));
}

/**
 * @param {string} name  one that `chooseTransport` gave
 * @param {string} url  absolute
 * @param {TransportEvents} events
 */
export function openTransport(name, url, events) {
  const open = TRANSPORTS.get(name);
  if (open === undefined) throw new RangeError(`there is no transport ${name}`);
  return open(url, events);
}
