import { release } from "../decoders/decode_frame.js";
import { doTouch } from "./visible_rest.js";

/**
 * @typedef {import("../decoders/decode_frame.js").PicturePart} PicturePart
 * @typedef {import("./visible_rest.js").Place} Place
 */

/**
 * Of frames that are drawn in one go, free those video pictures that a newer one of the same stream
 * covers before anything has been copied from them; the part stays, without its image.
 * @param {PicturePart[]} parts  of all frames, in the order in which they are drawn
 */
export function dropReplaced(parts) {
  /** What covers a stream's place later, and what is read before that. */
  /** @type {Map<number, {place: Place, reads: Place[]}>} */
  const later = new Map();
  for (const part of [...parts].reverse()) {
    const { stream, source, image, width, height } = part;
    if (source !== null) {
      for (const { reads } of later.values()) reads.push({ ...source, width, height });
    }
    if (stream === null || image === null) continue;
    const cover = later.get(stream);
    const isRead = cover?.reads.some((read) => doTouch(read, part));
    if (cover !== undefined && !isRead && contains(cover.place, part)) {
      release(part);
      part.image = null;
    } else if (part.visible === undefined) {
      later.set(stream, { place: part, reads: [] });
    }
  }
}

/**
 * @param {Place} outer
 * @param {Place} inner
 */
function contains(outer, inner) {
  return (
    outer.x <= inner.x &&
    outer.y <= inner.y &&
    outer.x + outer.width >= inner.x + inner.width &&
    outer.y + outer.height >= inner.y + inner.height
  );
}
