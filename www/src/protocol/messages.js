/**
 * All messages: the protocol page (docs/maintainers/protocol.md) in JavaScript.
 *
 * A message is an object: its wire name as `type`, its fields by their wire names.
 *
 * @typedef {{type: "Hello", protocol_version: number, client_name: string, codecs: string[],
 *   features: string[], viewport_width: number, viewport_height: number,
 *   pixel_ratio_percent: number, wants_resize: boolean}} Hello
 * @typedef {{type: "FrameShown", serial: number, decode_us: number, present_us: number,
 *   queued: number}} FrameShown
 * @typedef {{type: "FrameFailed", serial: number, codec: string, reason: string}} FrameFailed
 * @typedef {{type: "RefreshRequested"}} RefreshRequested
 * @typedef {{type: "Ping", token: number}} Ping
 * @typedef {{type: "Attach", token: string}} Attach
 * @typedef {{type: "KeyEvent", pressed: boolean, keysym: number, code: string,
 *   locks: number}} KeyEvent
 * @typedef {{type: "TextTyped", text: string}} TextTyped
 * @typedef {{type: "KeysReleased"}} KeysReleased
 * @typedef {{type: "PointerMoved", x: number, y: number}} PointerMoved
 * @typedef {{type: "PointerButton", button: number, pressed: boolean, x: number,
 *   y: number}} PointerButton
 * @typedef {{type: "WheelTurned", dx: number, dy: number, x: number, y: number}} WheelTurned
 * @typedef {{type: "ResizeRequested", width: number, height: number}} ResizeRequested
 * @typedef {{type: "PictureSettings", max_frame_rate: number, min_quality: number,
 *   max_quality: number, video: number, exact_at_rest: boolean}} PictureSettings
 * @typedef {{type: "ClipboardStart", transfer: number,
 *   items: {mime: string, size: number}[]}} ClipboardStart
 * @typedef {{type: "ClipboardChunk", transfer: number, item: number,
 *   data: Uint8Array<ArrayBuffer>}} ClipboardChunk
 * @typedef {{type: "Welcome", protocol_version: number, server_version: string,
 *   viewer_id: number, user_name: string, permissions: number, desktop_name: string,
 *   codecs: string[], features: string[], width: number, height: number,
 *   maximum_clipboard_bytes: number}} Welcome
 * @typedef {{operation: number, x: number, y: number, width: number, height: number,
 *   codec: number, quality: number, payload: Uint8Array<ArrayBuffer>}} FrameRectangle
 * @typedef {{changed_s: number, captured_us: number, damaged_us: number, planned_us: number,
 *   encoded_us: number}} ServerTimes
 * @typedef {{type: "Frame", serial: number, width: number, height: number,
 *   rectangles: FrameRectangle[]} & ServerTimes} Frame
 * @typedef {{type: "CursorImage", width: number, height: number, hotspot_x: number,
 *   hotspot_y: number, rgba: Uint8Array<ArrayBuffer>}} CursorImage
 * @typedef {{type: "Notice", severity: number, topic: string, text: string}} Notice
 * @typedef {{type: "PermissionsChanged", permissions: number}} PermissionsChanged
 * @typedef {{type: "Farewell", reason: string, may_reconnect: boolean}} Farewell
 * @typedef {{type: "Pong", token: number}} Pong
 * @typedef {{type: "ViewerStatistics", frames_per_s: number, bytes_per_s: number,
 *   round_trip_ms: number, encode_ms: number, skipped_frames: number,
 *   viewers: number}} ViewerStatistics
 * @typedef {{type: "Attached", received: number, next_serial: number}} Attached
 * @typedef {{type: "FrameOrder", serial: number, after_all: boolean,
 *   after: number[]}} FrameOrder
 * @typedef {{type: "FramesDropped", serials: number[]}} FramesDropped
 * @typedef {{type: "ResumeOffer", token: string, grace_s: number}} ResumeOffer
 * @typedef {ClipboardStart | ClipboardChunk} ClipboardMessage
 * @typedef {Hello | FrameShown | FrameFailed | RefreshRequested | Ping | Attach | KeyEvent |
 *   TextTyped | KeysReleased | PointerMoved | PointerButton | WheelTurned | ResizeRequested |
 *   PictureSettings | ClipboardMessage} ClientMessage
 * @typedef {Welcome | Frame | CursorImage | Notice | PermissionsChanged | Farewell | Pong |
 *   ViewerStatistics | Attached | FrameOrder | FramesDropped | ResumeOffer |
 *   ClipboardMessage} ServerMessage
 */

import { ProtocolError } from "../errors.js";
import {
  checkCursor,
  checkFrame,
  checkLocks,
  checkPermissions,
  checkPictureSettings,
  checkSeverity,
  checkSize,
  checkWelcome,
} from "./checks.js";
import { blob32, bool, f64, i16, listOf, record, text16, text8, u16, u32, u8 } from "./wire.js";

export const PROTOCOL_VERSION = 1;
export const SUBPROTOCOL = `kasmcore.v${PROTOCOL_VERSION}`;
/** What this client does beyond the least. */
export const FEATURES = ["copy", "scaled", "resume"];
/** Offered as well where the browser's video decoders can do it. */
export const FULL_CHROMA = "full_chroma";
export const MAXIMUM_FRAME_BYTES = 16 * 1024 * 1024;
export const MAXIMUM_CHUNK_BYTES = 64 * 1024;
export const PERMISSION = Object.freeze({ READ: 1, WRITE: 2, OWNER: 4 });

const KIB = 1024;
const MIB = 1024 * KIB;
const texts8 = listOf(u8, text8);

/**
 * Refuses another version at once, for what follows may be laid out differently.
 * @type {import("./wire.js").FieldType<number>}
 */
const version = {
  ...u16,
  read: (reader) => {
    const value = u16.read(reader);
    if (value === PROTOCOL_VERSION) return value;
    throw new ProtocolError(
      `the peer speaks protocol version ${value}, this side ${PROTOCOL_VERSION}`,
    );
  },
};

/**
 * One row of the protocol page.
 * @typedef {object} MessageLayout
 * @property {number} kind
 * @property {string} type  its name on the protocol page
 * @property {number} maximumBytes  greatest length of the payload
 * @property {"control" | "frames" | "bulk"} lane
 * @property {[string, import("./wire.js").FieldType<any>][]} fields
 * @property {((message: any) => void)=} check  throws ProtocolError for values without sense
 */

/** @type {MessageLayout[]} */
const CLIPBOARD = [
  {
    kind: 0x30,
    type: "ClipboardStart",
    lane: "bulk",
    maximumBytes: 4 * KIB,
    fields: [
      ["transfer", u32],
      [
        "items",
        listOf(
          u8,
          record([
            ["mime", text8],
            ["size", u32],
          ]),
        ),
      ],
    ],
  },
  {
    kind: 0x31,
    type: "ClipboardChunk",
    lane: "bulk",
    maximumBytes: MAXIMUM_CHUNK_BYTES + 9,
    fields: [
      ["transfer", u32],
      ["item", u8],
      ["data", blob32],
    ],
  },
];

/**
 * @param {number} kind
 * @param {string} type
 * @param {number} maximumBytes
 * @param {[string, import("./wire.js").FieldType<any>][]} fields
 * @param {((message: any) => void)=} check
 * @returns {MessageLayout}
 */
function control(kind, type, maximumBytes, fields, check) {
  return { kind, type, maximumBytes, lane: "control", fields, check };
}

/** @type {MessageLayout[]} */
export const FROM_CLIENT = [
  control(0x01, "Hello", 8 * KIB, [
    ["protocol_version", version],
    ["client_name", text8],
    ["codecs", texts8],
    ["features", texts8],
    ["viewport_width", u16],
    ["viewport_height", u16],
    ["pixel_ratio_percent", u16],
    ["wants_resize", bool],
  ]),
  control(0x02, "FrameShown", 13, [
    ["serial", u32],
    ["decode_us", u32],
    ["present_us", u32],
    ["queued", u8],
  ]),
  control(0x03, "FrameFailed", 516, [
    ["serial", u32],
    ["codec", text8],
    ["reason", text8],
  ]),
  control(0x04, "RefreshRequested", 0, []),
  control(0x05, "Ping", 4, [["token", u32]]),
  control(0x06, "Attach", 256, [["token", text8]]),
  control(
    0x10,
    "KeyEvent",
    64,
    [
      ["pressed", bool],
      ["keysym", u32],
      ["code", text8],
      ["locks", u8],
    ],
    checkLocks,
  ),
  control(0x11, "TextTyped", 4 * KIB, [["text", text16]]),
  control(0x12, "KeysReleased", 0, []),
  control(0x13, "PointerMoved", 4, [
    ["x", u16],
    ["y", u16],
  ]),
  control(0x14, "PointerButton", 6, [
    ["button", u8],
    ["pressed", bool],
    ["x", u16],
    ["y", u16],
  ]),
  control(0x15, "WheelTurned", 8, [
    ["dx", i16],
    ["dy", i16],
    ["x", u16],
    ["y", u16],
  ]),
  control(
    0x20,
    "ResizeRequested",
    4,
    [
      ["width", u16],
      ["height", u16],
    ],
    checkSize,
  ),
  control(
    0x80,
    "PictureSettings",
    6,
    [
      ["max_frame_rate", u16],
      ["min_quality", u8],
      ["max_quality", u8],
      ["video", u8],
      ["exact_at_rest", bool],
    ],
    checkPictureSettings,
  ),
  ...CLIPBOARD,
];

const rectangle = record([
  ["operation", u8],
  ["x", u16],
  ["y", u16],
  ["width", u16],
  ["height", u16],
  ["codec", u8],
  ["quality", u8],
  ["payload", blob32],
]);

/** @type {MessageLayout[]} */
export const FROM_SERVER = [
  control(
    0x41,
    "Welcome",
    16 * KIB,
    [
      ["protocol_version", version],
      ["server_version", text8],
      ["viewer_id", u32],
      ["user_name", text8],
      ["permissions", u8],
      ["desktop_name", text8],
      ["codecs", texts8],
      ["features", texts8],
      ["width", u16],
      ["height", u16],
      ["maximum_clipboard_bytes", u32],
    ],
    checkWelcome,
  ),
  {
    kind: 0x42,
    type: "Frame",
    lane: "frames",
    maximumBytes: MAXIMUM_FRAME_BYTES,
    fields: [
      ["serial", u32],
      ["width", u16],
      ["height", u16],
      ["changed_s", f64],
      ["captured_us", u32],
      ["damaged_us", u32],
      ["planned_us", u32],
      ["encoded_us", u32],
      ["rectangles", listOf(u16, rectangle)],
    ],
    check: checkFrame,
  },
  control(
    0x43,
    "CursorImage",
    MIB + 12,
    [
      ["width", u16],
      ["height", u16],
      ["hotspot_x", u16],
      ["hotspot_y", u16],
      ["rgba", blob32],
    ],
    checkCursor,
  ),
  control(
    0x44,
    "Notice",
    4 * KIB,
    [
      ["severity", u8],
      ["topic", text8],
      ["text", text16],
    ],
    checkSeverity,
  ),
  control(0x45, "PermissionsChanged", 1, [["permissions", u8]], checkPermissions),
  control(0x46, "Farewell", 4 * KIB, [
    ["reason", text16],
    ["may_reconnect", bool],
  ]),
  control(0x47, "Pong", 4, [["token", u32]]),
  control(0x48, "Attached", 8, [
    ["received", u32],
    ["next_serial", u32],
  ]),
  {
    kind: 0x49,
    type: "FrameOrder",
    lane: "frames",
    maximumBytes: 1026,
    fields: [
      ["serial", u32],
      ["after_all", bool],
      ["after", listOf(u8, u32)],
    ],
  },
  control(0x4a, "FramesDropped", KIB + 2, [["serials", listOf(u16, u32)]]),
  control(0xc0, "ViewerStatistics", 38, [
    ["frames_per_s", f64],
    ["bytes_per_s", f64],
    ["round_trip_ms", f64],
    ["encode_ms", f64],
    ["skipped_frames", u32],
    ["viewers", u16],
  ]),
  control(0xc1, "ResumeOffer", 258, [
    ["token", text8],
    ["grace_s", u16],
  ]),
  ...CLIPBOARD,
];
