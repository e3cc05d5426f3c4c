/** What the client cannot do without, by the names of the web platform. */
const NEEDED = [
  "Worker",
  "WebSocket",
  "createImageBitmap",
  "DecompressionStream",
  "ResizeObserver",
  "PointerEvent",
];

/**
 * Names of the features that this browser lacks; empty when all is well.
 * @param {object} scope  globalThis
 */
export function missingFeatures(scope) {
  return NEEDED.filter((feature) => !(feature in scope));
}
