/**
 * What the page's thread and the session worker tell each other.
 *
 * `connection` counts attempts to connect, so that what belongs to an ended one is recognised.
 * Times are milliseconds since 1970 with fractions (`timeOrigin + now()`), comparable between threads.
 *
 * @typedef {Omit<import("../protocol/messages.js").Hello, "codecs">} HelloWithoutCodecs
 *
 * @typedef {{name: string, url: string}} TransportAddress  the url is absolute
 * @typedef {object} Connect
 * @property {"connect"} kind
 * @property {number} connection
 * @property {TransportAddress} transport  to join over, and the way back to when another one fails
 * @property {TransportAddress[]} others  besides it, for when it does not open any more
 * @property {TransportAddress[]} better  to go on over once it runs, the best first
 * @property {boolean} judgesPath  go on over those only if the way to the server calls for it
 * @property {string} ticket  lets a connection in whose transport does not know who it is; may be
 *   empty
 * @property {boolean} hasPeers  the browser has peer connections
 * @property {import("../decoders/registry.js").DecoderOffer[]} decoders
 * @property {HelloWithoutCodecs} hello
 * @typedef {{kind: "upgrade", better: TransportAddress[]}} Upgrade  try these again
 * @typedef {{kind: "network_changed"}} NetworkChanged  the browser's network is another one
 * @typedef {{kind: "peer_made", id: number, channels: Record<string, RTCDataChannel>}} PeerMade
 * @typedef {{kind: "peer_failed", id: number, reason: string}} PeerFailed
 * @typedef {{kind: "send", message: import("../protocol/messages.js").ClientMessage}} Send
 * @typedef {object} Shown  the pictures up to this serial are on screen
 * @property {number} serial
 * @property {number} at_ms
 * @property {ArrayBuffer[]} buffers  memory of pixels that have been drawn, to be used again
 * @property {number} slowDrawing_ms  what drawing a `VideoFrame` takes per megapixel, if that is
 *   long; 0 otherwise
 * @typedef {{kind: "presented", connection: number} & Shown} Presented
 * @typedef {{kind: "disconnect", mayResume: boolean}} Disconnect  resume: the next `connect` may go on
 *   with the session
 * @typedef {Connect | Upgrade | NetworkChanged | Send | Presented | PeerMade | PeerFailed | Disconnect} ToWorker
 *
 * @typedef {Exclude<import("../protocol/messages.js").ServerMessage,
 *   {type: "Frame"} | {type: "Pong"} | {type: "Farewell"} | {type: "Attached"} |
 *   {type: "FrameOrder"} | {type: "FramesDropped"} | {type: "ResumeOffer"}>} PassedOnMessage
 * @typedef {object} Picture  one frame, ready to draw
 * @property {number} serial
 * @property {number} width
 * @property {number} height
 * @property {import("../decoders/decode_frame.js").PicturePart[]} parts
 * @property {import("../protocol/messages.js").ServerTimes} server
 * @property {number} received_ms
 * @property {number} decoded_ms
 *
 * @typedef {{kind: "pictures", pictures: Picture[]}} Pictures  to be drawn in one go
 * @typedef {{kind: "message", message: PassedOnMessage}} Message
 * @typedef {{kind: "round_trip", round_trip_ms: number, loss: number | null}} RoundTrip  loss: share
 *   of packets, 0 to 1; null: not known
 * @typedef {{kind: "frame_lost"}} FrameLost  on its way
 * @typedef {{kind: "carried", transport: string, isResumed: boolean}} Carried  the session runs over
 *   this; resumed: after it had been told as closed
 * @typedef {{kind: "path_judged", isGood: boolean}} PathJudged  good: the session stays where it is
 * @typedef {{kind: "transport_failed", transport: string, reason: string}} TransportFailed
 * @typedef {{kind: "open_peer", id: number, url: string}} OpenPeer
 * @typedef {{kind: "close_peer", id: number}} ClosePeer
 * @typedef {{kind: "frame_failed", codec: string, reason: string,
 *   isVideo: boolean, isInterruption: boolean}} FrameFailure  an interruption is no fault of the codec
 * @typedef {{kind: "decoder_missing", codec: string, reason: string,
 *   isVideo: boolean}} DecoderMissing
 * @typedef {{kind: "closed", cause: ClosedCause, reason: string}} Closed
 * @typedef {"unreachable" | "lost" | "farewell" | "refused" | "protocol"} ClosedCause
 *   unreachable: never came up; lost: broke off; farewell: the server said goodbye for now;
 *   refused: the server said not to come back; protocol: the peer made no sense
 * @typedef {Pictures | Message | RoundTrip | FrameLost | Carried | FrameFailure | DecoderMissing |
 *   PathJudged | TransportFailed | OpenPeer | ClosePeer | Closed} Told
 * @typedef {{connection: number, told: Told}} FromWorker
 *
 * @typedef {object} WorkerScope  what the worker needs of DedicatedWorkerGlobalScope
 * @property {(message: FromWorker, transfer?: Transferable[]) => void} postMessage
 * @property {((event: MessageEvent<ToWorker>) => void) | null} onmessage
 */

/** Now, on a clock that all threads of this browser share. */
export function wallClock_ms() {
  return performance.timeOrigin + performance.now();
}
