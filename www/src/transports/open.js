import * as webrtc from "./webrtc.js";
import * as websocket from "./websocket.js";
import * as webtransport from "./webtransport.js";

/** @typedef {"control" | "frames" | "bulk"} Lane */

/**
 * What a transport tells. `closed` comes once, whoever closed; nothing follows it.
 * @typedef {object} TransportEvents
 * @property {() => void} opened
 * @property {(unit: Uint8Array<ArrayBuffer>, lane: Lane | "all") => void} received  whole messages,
 *   which never change afterwards; all: one stream carries the messages of every lane
 * @property {(reason: string) => void} closed  reason: what went wrong in a few words, or the peer's
 *   words; may be empty
 */

/**
 * @typedef {object} TransportConnection
 * @property {(lane: Lane, message: Uint8Array<ArrayBuffer>) => void} send  one whole message;
 *   dropped when the connection is not open
 * @property {((unit: Uint8Array<ArrayBuffer>) => void) | null} sendLoose  one or more messages that
 *   may get lost or overtake others: pointer motion alone, or acknowledgements; null: it cannot
 * @property {boolean} isUnordered  each frame comes on its own, behind a FrameOrder
 * @property {boolean} losesFrames  a frame may vanish without a word
 * @property {boolean} hasBulk  some of the bulk lane has not been handed to the network
 * @property {() => Promise<number | null>} readLoss  share of packets that got lost, 0 to 1; null:
 *   not known
 * @property {(mayResume: boolean) => void} close  safe to repeat; resume: the server should wait for
 *   another connection, if this one can say so
 */

/** @typedef {(url: string, events: TransportEvents, page: Page) => TransportConnection} OpenTransport */

/**
 * What a transport in a worker needs of the page's thread.
 * @typedef {object} Page
 * @property {boolean} hasPeers  the browser has peer connections
 * @property {(url: string, events: PeerEvents) => () => void} openPeer  gives what ends it
 */

/**
 * @typedef {object} PeerEvents
 * @property {(channels: Record<string, PeerChannel>) => void} made  before they are open
 * @property {(reason: string) => void} failed
 */

/**
 * What is used of an RTCDataChannel, which may be relayed from another thread.
 * @typedef {object} PeerChannel
 * @property {(message: Uint8Array<ArrayBuffer> | string) => void} send
 * @property {number} bufferedAmount
 * @property {(() => void) | null} onopen
 * @property {((event: {data: unknown}) => void) | null} onmessage
 * @property {(() => void) | null} onclose
 */

/**
 * @typedef {object} Transport
 * @property {string} name
 * @property {OpenTransport} open
 * @property {(page: {hasPeers: boolean}) => boolean} isSupported  by this browser, on this page
 */

/** @type {Map<string, Transport>} */
const TRANSPORTS = new Map(
  [websocket, webtransport, webrtc].map((transport) => [transport.name, transport]),
);

/** The one that works everywhere. */
export const FLOOR = websocket.name;

/** @param {string} name  of a transport */
export function isKnown(name) {
  return TRANSPORTS.has(name);
}

/**
 * Asked in the thread that would open it.
 * @param {string} name
 * @param {{hasPeers: boolean}} page
 */
export function isSupported(name, page) {
  return TRANSPORTS.get(name)?.isSupported(page) ?? false;
}

/**
 * @param {string} name  one that is known
 * @param {string} url  absolute
 * @param {TransportEvents} events
 * @param {Page} page
 */
export function openTransport(name, url, events, page) {
  const transport = TRANSPORTS.get(name);
  if (transport === undefined) throw new RangeError(`there is no transport ${name}`);
  return transport.open(url, events, page);
}
