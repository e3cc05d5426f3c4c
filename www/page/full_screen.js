/** @typedef {{lock?: () => Promise<void>, unlock?: () => void}} KeyboardLock */

/** Show the whole page on the whole screen, with all keys for the desktop where the browser can. */
export async function enterFullScreen() {
  await document.documentElement.requestFullscreen({ navigationUI: "hide" });
  await keyboardLock()?.lock?.();
}

/** Back into the window. */
export async function leaveFullScreen() {
  keyboardLock()?.unlock?.();
  if (document.fullscreenElement !== null) await document.exitFullscreen();
}

/** @returns {KeyboardLock | undefined} Chromium only; elsewhere Escape leaves full screen */
function keyboardLock() {
  return /** @type {{keyboard?: KeyboardLock}} */ (/** @type {unknown} */ (navigator)).keyboard;
}
