/**
 * What a person chose in this browser.
 * @typedef {object} Settings
 * @property {import("../src/display/scaling.js").ScaleMode} scale
 * @property {boolean} devicePixels
 * @property {boolean} commandIsControl
 * @property {boolean} automaticClipboard
 * @property {boolean} showsRegions
 * @property {boolean} showsStatistics
 */

/** @type {Settings} */
const DEFAULTS = {
  scale: "resize",
  devicePixels: false,
  commandIsControl: true,
  automaticClipboard: true,
  showsRegions: false,
  showsStatistics: false,
};

const SCALES = ["resize", "fit", "native"];
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
    const isSound = name === "scale" ? SCALES.includes(value) : typeof value === "boolean";
    if (isSound) Object.assign(settings, { [name]: value });
  }
  return settings;
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
