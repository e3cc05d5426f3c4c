/**
 * The browser's clipboard, as far as it lets us: it is never asked in a way that makes it ask the
 * person more than once.
 */
export class LocalClipboard {
  /** Text that waits for a moment at which the browser lets us write. @type {string | null} */
  #waiting = null;
  #hasAsked = false;
  #canRead = false;
  #abort = new AbortController();

  /**
   * @param {object} options
   * @param {(text: string) => void} options.changed  the person copied something elsewhere
   * @param {(text: string) => void} options.refused  the browser does not let us write this
   */
  constructor({ changed, refused }) {
    this.changed = changed;
    this.refused = refused;
    /** False: the browser's clipboard is left alone. */
    this.isAutomatic = true;
    const { signal } = this.#abort;
    window.addEventListener("focus", () => this.#focused(), { signal });
  }

  /** True when only a paste event tells what the browser's clipboard holds. */
  get needsPasteEvents() {
    return this.isAutomatic && !this.#canRead;
  }

  /** The person pressed a key or button: browsers allow more now. */
  async activated() {
    if (!this.isAutomatic) return;
    if (this.#waiting !== null) await this.write(this.#waiting);
    if (this.#hasAsked) return;
    this.#hasAsked = true;
    if ((await readPermission()) !== "unknown") await this.#read();
  }

  /**
   * Put the desktop's text into the browser's clipboard, now or as soon as it allows.
   * @param {string} text
   */
  async write(text) {
    if (!this.isAutomatic) return;
    this.#waiting = text;
    if (!document.hasFocus()) return;
    try {
      await navigator.clipboard.writeText(text);
      this.#waiting = null;
    } catch {
      if (navigator.userActivation?.isActive ?? true) {
        this.#waiting = null;
        this.refused(text);
      }
    }
  }

  dispose() {
    this.#abort.abort();
  }

  async #focused() {
    if (!this.isAutomatic) return;
    if (this.#waiting !== null) {
      await this.write(this.#waiting);
      return;
    }
    this.#canRead = false; // who pastes before it is read must not paste what was there before
    if ((await readPermission()) === "granted") await this.#read();
  }

  async #read() {
    try {
      const text = await navigator.clipboard.readText();
      this.#canRead = true;
      this.changed(text);
    } catch {
      this.#canRead = false;
    }
  }
}

/**
 * Whether the browser lets a page read the clipboard; "unknown" where each reading would bother the
 * person (Firefox, Safari, pages without HTTPS): there a paste event brings the text.
 * @returns {Promise<PermissionState | "unknown">}
 */
async function readPermission() {
  if (!navigator.clipboard?.readText || !navigator.permissions) return "unknown";
  try {
    const name = /** @type {PermissionName} */ (/** @type {unknown} */ ("clipboard-read"));
    return (await navigator.permissions.query({ name })).state;
  } catch {
    return "unknown";
  }
}
