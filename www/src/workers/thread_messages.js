/**
 * What the page's thread and the session worker tell each other.
 *
 * `connection` counts attempts to connect, so that what belongs to an ended one is recognised.
 * Times are milliseconds since 1970 with fractions (`timeOrigin + now()`), comparable between threads.
 *
 * @typedef {Omit<import("../protocol/messages.js").Hello, "codecs">} HelloWithoutCodecs
 *
 * @typedef {{kind: "connect", connection: number, transport: {name: string, url: string},
 *   decoders: import("../decoders/registry.js").DecoderOffer[], hello: HelloWithoutCodecs}} Connect
 * @typedef {{kind: "send", message: import("../protocol/messages.js").ClientMessage}} Send
 * @typedef {object} Shown  the pictures up to this serial are on screen
 * @property {number} serial
 * @property {number} at_ms
 * @property {ArrayBuffer[]} buffers  memory of pixels that have been drawn, to be used again
 * @property {number} slowDrawing_ms  what drawing a `VideoFrame` takes per megapixel, if that is
 *   long; 0 otherwise
 * @typedef {{kind: "presented", connection: number} & Shown} Presented
 * @typedef {{kind: "disconnect"}} Disconnect
 * @typedef {Connect | Send | Presented | Disconnect} ToWorker
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
 * @typedef {{kind: "round_trip", round_trip_ms: number}} RoundTrip
 * @typedef {{kind: "frame_failed", codec: string, reason: string,
 *   isVideo: boolean, isInterruption: boolean}} FrameFailure  an interruption is no fault of the codec
 * @typedef {{kind: "decoder_missing", codec: string, reason: string,
 *   isVideo: boolean}} DecoderMissing
 * @typedef {{kind: "closed", cause: ClosedCause, reason: string}} Closed
 * @typedef {"unreachable" | "lost" | "farewell" | "refused" | "protocol"} ClosedCause
 *   unreachable: never came up; lost: broke off; farewell: the server said goodbye for now;
 *   refused: the server said not to come back; protocol: the peer made no sense
 * @typedef {Pictures | Message | RoundTrip | FrameFailure | DecoderMissing | Closed} Told
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
