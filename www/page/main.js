import { KasmClient } from "../client.js";
import { find } from "./elements.js";
import { Panel } from "./panel.js";
import { clientOptions, loadSettings, storeSettings } from "./settings.js";
import { StatisticsBox, describe } from "./statistics.js";
import { Status } from "./status.js";
import { showToast } from "./toasts.js";

/**
 * @param {EventTarget} target
 * @param {string} type
 * @param {(detail: any) => void} handle
 */
function on(target, type, handle) {
  target.addEventListener(type, (event) => handle(/** @type {CustomEvent} */ (event).detail));
}

async function signOut() {
  await fetch("api/logout", { method: "POST" }).catch(() => {});
  location.assign("login.html");
}

const settings = loadSettings();
const desktop = find("desktop", HTMLElement);
const { showsStatistics, ...options } = settings;
const client = new KasmClient(desktop, clientOptions(options));
const status = new Status(() => client.connect());
const statistics = new StatisticsBox(() => describe(client.readStatistics(), client.transport));
const panel = new Panel(
  client,
  settings,
  (changed) => {
    Object.assign(settings, changed);
    storeSettings(settings);
    const { showsStatistics: isShown, ...changedOptions } = changed;
    client.configure(clientOptions(changedOptions));
    if (isShown !== undefined) statistics.toggle(isShown);
  },
  signOut,
);
statistics.toggle(showsStatistics);
let hasConnected = false;

on(client, "state", (/** @type {import("../client.js").ConnectionState} */ state) => {
  status.show(state);
  desktop.classList.toggle("is-stale", hasConnected && state.name !== "connected");
  if (state.name === "connected") {
    hasConnected = true;
    if (!panel.isOpen) client.focus();
  } else {
    panel.releaseKeys();
    panel.markViewOnly(false);
  }
  if (state.name === "login") location.replace(`login.html${hasConnected ? "#expired" : ""}`);
});
on(client, "permissions", ({ canWrite }) => {
  panel.markViewOnly(client.state.name === "connected" && !canWrite);
});
on(client, "desktop", ({ name, userName, canSignOut }) => {
  document.title = name;
  panel.describe(userName ? `${name} – ${userName}` : name, canSignOut);
});
on(client, "notice", showToast);
on(client, "panel", () => panel.open(!panel.isOpen));
on(client, "keysreleased", () => panel.releaseKeys());
on(client, "clipboard", ({ text, isRefused }) => {
  panel.showClipboard(text);
  if (!isRefused) return;
  showToast({
    severity: "info",
    topic: "clipboard_by_hand",
    text: "This browser does not take the desktop's clipboard by itself. Copy it from the control panel.",
  });
});

client.connect();
