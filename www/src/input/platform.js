/** @typedef {"mac" | "windows" | "other"} Platform  how keyboards behave */

/**
 * @param {string} name  `navigator.userAgentData.platform` or `navigator.platform`
 * @returns {Platform}
 */
export function platformOf(name) {
  if (/^(mac|iphone|ipad|ipod)/i.test(name)) return "mac";
  return /^win/i.test(name) ? "windows" : "other";
}

/** The platform that this browser runs on. */
export function currentPlatform() {
  const { userAgentData } = /** @type {{userAgentData?: {platform: string}}} */ (
    /** @type {unknown} */ (navigator)
  );
  return platformOf(userAgentData?.platform || navigator.platform);
}
