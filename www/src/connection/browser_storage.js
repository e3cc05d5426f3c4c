/**
 * Where to remember; `localStorage` is one.
 * @typedef {{getItem: (key: string) => string | null,
 *   setItem: (key: string, value: string) => void}} Storage
 */

/** This browser's storage; null when the person has switched it off. */
export function findStorage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

/**
 * @param {Storage | null} storage
 * @param {string} key
 * @returns {Record<string, any>}  what was kept; empty where nothing that makes sense was
 */
export function loadKept(storage, key) {
  try {
    const found = JSON.parse(storage?.getItem(key) ?? "{}");
    return typeof found === "object" && found !== null ? found : {};
  } catch {
    return {};
  }
}

/**
 * Keep a record if that is possible: storage may be full or switched off.
 * @param {Storage | null} storage
 * @param {string} key
 * @param {Record<string, any>} record
 */
export function keep(storage, key, record) {
  try {
    storage?.setItem(key, JSON.stringify(record));
  } catch {
    // It holds until the page is closed.
  }
}
