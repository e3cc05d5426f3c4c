import { NO_WISHES } from "../src/connection/picture_wishes.js";

/**
 * What a person chose in this browser.
 * @typedef {object} Settings
 * @property {import("../src/display/scaling.js").ScaleMode} scale
 * @property {boolean} devicePixels
 * @property {boolean} commandIsControl
 * @property {boolean} automaticClipboard
 * @property {import("../src/connection/picture_wishes.js").PictureWishes["video"]} video
 * @property {import("../src/connection/picture_wishes.js").PictureWishes["quality"]} quality
 * @property {import("../src/connection/picture_wishes.js").PictureWishes["frameRate"]} frameRate
 * @property {boolean} exactAtRest
 * @property {boolean} showsRegions
 * @property {boolean} showsStatistics
 */

/** @type {Settings} */
const DEFAULTS = {
  scale: "resize",
  devicePixels: false,
  commandIsControl: true,
  automaticClipboard: true,
  ...NO_WISHES,
  showsRegions: false,
  showsStatistics: false,
};

/** What may be chosen where it is not yes or no. @type {Partial<Record<keyof Settings, string[]>>} */
const CHOICES = {
  scale: ["resize", "fit", "native"],
  video: ["server", "off", "screen"],
  quality: ["server", "low", "high"],
  frameRate: ["server", "15", "30", "60"],
};
const KEY = "kasmcore";

/**
 * What was chosen before; the default for everything that is missing or makes no sense.
 * @param {string | null} stored  as `storeSettings` wrote it
 * @returns {Settings}
 */
export function parseSettings(stored) {
  const settings = { ...DEFAULTS };
  let found;
  try {
    found = JSON.parse(stored ?? "{}");
  } catch {
    return settings;
  }
  for (const name of /** @type {(keyof Settings)[]} */ (Object.keys(DEFAULTS))) {
    const value = found?.[name];
    const isSound = CHOICES[name]?.includes(value) ?? typeof value === "boolean";
    if (isSound) Object.assign(settings, { [name]: value });
  }
  return settings;
}

/**
 * Settings as the client takes them.
 * @param {Partial<Settings>} settings
 * @returns {Omit<import("../client.js").KasmClientOptions, "url">}
 */
export function clientOptions({ video, quality, frameRate, exactAtRest, ...others }) {
  const wishes = Object.entries({ video, quality, frameRate, exactAtRest }).filter(
    ([, value]) => value !== undefined,
  );
  return { ...others, ...(wishes.length > 0 && { picture: Object.fromEntries(wishes) }) };
}

/** The settings of this browser; a browser without storage has the defaults. */
export function loadSettings() {
  try {
    return parseSettings(localStorage.getItem(KEY));
  } catch {
    return parseSettings(null);
  }
}

/** @param {Settings} settings */
export function storeSettings(settings) {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // Storage is switched off: the choice holds until the page is closed.
  }
}
