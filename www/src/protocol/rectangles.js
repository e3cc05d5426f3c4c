import { ProtocolError } from "../errors.js";

/** What a rectangle of a frame asks for. */
export const OPERATION = Object.freeze({ IMAGE: 0, COPY: 1, VIDEO: 2, SCALED: 3 });

const COPY_BYTES = 4;
const VIDEO_HEAD_BYTES = 3;
const SCALED_HEAD_BYTES = 4;
const FLAG_KEY = 1;
const FLAG_HIDDEN = 2;

/** @typedef {import("./messages.js").FrameRectangle} FrameRectangle */
/** @typedef {{width: number, height: number}} Size */

/**
 * Where a copy comes from.
 * @param {Uint8Array<ArrayBuffer>} payload
 */
export function copySource(payload) {
  if (payload.length !== COPY_BYTES) {
    throw new ProtocolError(`a copy's source takes ${payload.length} bytes`);
  }
  const view = viewOf(payload);
  return { x: view.getUint16(0), y: view.getUint16(2) };
}

/**
 * A packet of a video stream; a hidden one is decoded and not drawn.
 * @param {Uint8Array<ArrayBuffer>} payload
 */
export function videoPacket(payload) {
  if (payload.length < VIDEO_HEAD_BYTES) {
    throw new ProtocolError(`a video packet has ${payload.length} bytes`);
  }
  const view = viewOf(payload);
  const flags = view.getUint8(2);
  return {
    stream: view.getUint16(0),
    isKey: (flags & FLAG_KEY) !== 0,
    isHidden: (flags & FLAG_HIDDEN) !== 0,
    packet: payload.subarray(VIDEO_HEAD_BYTES),
  };
}

/**
 * An image that is stretched to its rectangle.
 * @param {Uint8Array<ArrayBuffer>} payload
 */
export function scaledImage(payload) {
  if (payload.length < SCALED_HEAD_BYTES) {
    throw new ProtocolError(`a scaled image has ${payload.length} bytes`);
  }
  const view = viewOf(payload);
  const [width, height] = [view.getUint16(0), view.getUint16(2)];
  if (width === 0 || height === 0) throw new ProtocolError(`a scaled image is ${width}x${height}`);
  return { width, height, image: payload.subarray(SCALED_HEAD_BYTES) };
}

/**
 * What the operation adds to its payload must make sense.
 * @param {FrameRectangle} rectangle
 * @param {Size} size  of the frame
 */
export function checkOperation({ operation, width, height, payload }, size) {
  if (operation === OPERATION.COPY) {
    checkInside({ ...copySource(payload), width, height }, size);
  } else if (operation === OPERATION.VIDEO) {
    videoPacket(payload);
  } else if (operation === OPERATION.SCALED) {
    scaledImage(payload);
  } else if (operation !== OPERATION.IMAGE) {
    throw new ProtocolError(`rectangle operation ${operation} was not agreed on`);
  }
}

/**
 * @param {{x: number, y: number, width: number, height: number}} place
 * @param {Size} size
 */
export function checkInside({ x, y, width, height }, size) {
  if (x + width > size.width || y + height > size.height) {
    throw new ProtocolError(
      `rectangle ${width}x${height}+${x}+${y} is not inside ${size.width}x${size.height}`,
    );
  }
}

/** @param {Uint8Array<ArrayBuffer>} payload */
function viewOf(payload) {
  return new DataView(payload.buffer, payload.byteOffset, payload.length);
}
