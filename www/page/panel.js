import { currentPlatform } from "../src/input/platform.js";
import { find } from "./elements.js";
import { enterFullScreen, leaveFullScreen } from "./full_screen.js";
import { showToast } from "./toasts.js";

/**
 * @typedef {import("../client.js").KasmClient} KasmClient
 * @typedef {import("./settings.js").Settings} Settings
 */

/** `KeyboardEvent.code` of the keys that the panel has. @type {Record<string, string>} */
const CODES = {
  Control: "ControlLeft",
  Alt: "AltLeft",
  Meta: "MetaLeft",
  Delete: "Delete",
  Escape: "Escape",
  Tab: "Tab",
};

/** The control panel: what a person does with the desktop beside using it. */
export class Panel {
  #toggle = find("panel-toggle", HTMLButtonElement);
  #body = find("panel-body", HTMLElement);
  #clipboardText = find("clipboard-text", HTMLTextAreaElement);

  /**
   * @param {KasmClient} client
   * @param {Settings} settings  what the controls show first
   * @param {(changed: Partial<Settings>) => void} changed
   * @param {() => void} signOut
   */
  constructor(client, settings, changed, signOut) {
    this.client = client;
    this.changed = changed;
    this.#toggle.addEventListener("click", () => this.open(!this.isOpen));
    this.#body.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") this.open(false);
    });
    find("sign-out", HTMLButtonElement).addEventListener("click", signOut);
    this.#wireFullScreen();
    this.#wireChoices(settings);
    this.#wireKeys();
    this.#wireClipboard();
    this.#wireStatistics(settings.showsStatistics);
  }

  /** @param {boolean} isOpen */
  open(isOpen) {
    this.#body.hidden = !isOpen;
    this.#toggle.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) find("full-screen", HTMLButtonElement).focus();
    else this.client.focus();
  }

  get isOpen() {
    return !this.#body.hidden;
  }

  /**
   * @param {string} title
   * @param {boolean} canSignOut
   */
  describe(title, canSignOut) {
    find("panel-title", HTMLElement).textContent = title;
    find("sign-out", HTMLButtonElement).hidden = !canSignOut;
  }

  /** @param {boolean} isViewOnly */
  markViewOnly(isViewOnly) {
    find("view-only", HTMLElement).hidden = !isViewOnly;
    for (const element of document.querySelectorAll(".needs-write")) {
      if (element instanceof HTMLElement) element.hidden = isViewOnly;
    }
  }

  /** The client let go of all keys. */
  releaseKeys() {
    for (const button of document.querySelectorAll("[data-hold]")) {
      button.setAttribute("aria-pressed", "false");
    }
  }

  /**
   * Show what was copied on the desktop.
   * @param {string} text
   */
  showClipboard(text) {
    this.#clipboardText.value = text;
  }

  #wireFullScreen() {
    const button = find("full-screen", HTMLButtonElement);
    button.addEventListener("click", () => {
      const change = document.fullscreenElement === null ? enterFullScreen() : leaveFullScreen();
      change
        .then(() => this.open(false))
        .catch(() => {
          const text = "This browser does not let the page fill the screen.";
          showToast({ severity: "warning", topic: "full_screen", text });
        });
    });
    document.addEventListener("fullscreenchange", () => {
      button.textContent =
        document.fullscreenElement === null ? "Full screen" : "Leave full screen";
    });
  }

  /** @param {Settings} settings */
  #wireChoices(settings) {
    /** @type {[string, keyof Settings & ("scale" | "video" | "quality" | "frameRate")][]} */
    const lists = [
      ["scale", "scale"],
      ["video", "video"],
      ["quality", "quality"],
      ["frame-rate", "frameRate"],
    ];
    for (const [id, name] of lists) {
      const list = find(id, HTMLSelectElement);
      list.value = settings[name];
      list.addEventListener("change", () => this.changed({ [name]: list.value }));
    }
    /** @type {[string, keyof Settings & ("devicePixels" | "commandIsControl" | "automaticClipboard" | "exactAtRest" | "showsRegions")][]} */
    const boxes = [
      ["device-pixels", "devicePixels"],
      ["command-is-control", "commandIsControl"],
      ["automatic-clipboard", "automaticClipboard"],
      ["exact-at-rest", "exactAtRest"],
      ["show-regions", "showsRegions"],
    ];
    for (const [id, name] of boxes) {
      const box = find(id, HTMLInputElement);
      box.checked = settings[name];
      box.addEventListener("change", () => this.changed({ [name]: box.checked }));
    }
    find("command-choice", HTMLElement).hidden = currentPlatform() !== "mac";
  }

  #wireKeys() {
    for (const button of document.querySelectorAll("[data-tap], [data-hold]")) {
      if (!(button instanceof HTMLButtonElement)) continue;
      // The desktop keeps the keyboard while keys are pressed here with a pointer.
      button.addEventListener("pointerdown", (event) => event.preventDefault());
      button.addEventListener("mousedown", (event) => event.preventDefault());
      const { tap, hold } = button.dataset;
      if (tap !== undefined) {
        const isCombination = tap.includes(" ");
        const keys = tap.split(" ").map((key) => ({ key, code: CODES[key] }));
        button.addEventListener("click", () => {
          if (isCombination) this.#letGo();
          this.client.pressKeys(keys);
        });
      } else if (hold !== undefined) {
        button.setAttribute("aria-pressed", "false");
        button.addEventListener("click", () => {
          const isDown = button.getAttribute("aria-pressed") !== "true";
          button.setAttribute("aria-pressed", String(isDown));
          this.client.holdKey({ key: hold, code: CODES[hold] }, isDown);
        });
      }
    }
    find("touch-keyboard", HTMLButtonElement).addEventListener("click", () => this.open(false));
  }

  /** Release the keys that are held here, for a combination that may hold the same ones. */
  #letGo() {
    for (const button of document.querySelectorAll("[data-hold][aria-pressed=true]")) {
      if (button instanceof HTMLButtonElement) button.click();
    }
  }

  #wireClipboard() {
    find("clipboard-send", HTMLButtonElement).addEventListener("click", () => {
      this.client.sendClipboard(this.#clipboardText.value);
    });
  }

  /** @param {boolean} isShown */
  #wireStatistics(isShown) {
    const button = find("statistics-toggle", HTMLButtonElement);
    button.setAttribute("aria-pressed", String(isShown));
    button.addEventListener("click", () => {
      const showsStatistics = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(showsStatistics));
      this.changed({ showsStatistics });
    });
  }
}
