import { SERVERS_QUALITY } from "../protocol/checks.js";

/**
 * How the person wants the picture sent; "server": as the server is set.
 * @typedef {object} PictureWishes
 * @property {"server" | "off" | "screen"} video  off: single images; screen: all of it as one video
 * @property {"server" | "low" | "high"} quality
 * @property {"server" | "15" | "30" | "60"} frameRate  most frames a second
 * @property {boolean} exactAtRest  false: what was sent with loss stays so, which saves data
 */

/** @type {Readonly<PictureWishes>} */
export const NO_WISHES = Object.freeze({
  video: "server",
  quality: "server",
  frameRate: "server",
  exactAtRest: true,
});

const VIDEO = { server: 0, off: 1, screen: 2 };
/** Least and most, 0 to 100. */
const QUALITIES = {
  server: [SERVERS_QUALITY, SERVERS_QUALITY],
  low: [10, 45],
  high: [80, 95],
};

/** @param {PictureWishes} wishes */
export function hasWishes(wishes) {
  return Object.entries(NO_WISHES).some(
    ([name, value]) => wishes[/** @type {keyof PictureWishes} */ (name)] !== value,
  );
}

/**
 * @param {PictureWishes} wishes
 * @returns {import("../protocol/messages.js").PictureSettings}
 */
export function pictureSettings({ video, quality, frameRate, exactAtRest }) {
  const [min_quality, max_quality] = QUALITIES[quality];
  return {
    type: "PictureSettings",
    max_frame_rate: frameRate === "server" ? 0 : Number(frameRate),
    min_quality,
    max_quality,
    video: VIDEO[video],
    exact_at_rest: exactAtRest,
  };
}
