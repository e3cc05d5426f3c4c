import { SharedClipboard } from "./src/clipboard/shared_clipboard.js";
import { findStorage } from "./src/connection/browser_storage.js";
import { CodecMemory } from "./src/connection/codec_memory.js";
import { CodecTroubles } from "./src/connection/codec_troubles.js";
import { NO_WISHES, hasWishes, pictureSettings } from "./src/connection/picture_wishes.js";
import { Supervisor } from "./src/connection/supervisor.js";
import { Cursor } from "./src/display/cursor.js";
import { Screen } from "./src/display/screen.js";
import { Keyboard } from "./src/input/keyboard.js";
import { Pointer } from "./src/input/pointer.js";
import { textMessages } from "./src/input/typed_text.js";
import { FEATURES, PERMISSION, PROTOCOL_VERSION } from "./src/protocol/messages.js";
import { Meter } from "./src/stats/meter.js";
import { wallClock_ms } from "./src/workers/thread_messages.js";

/**
 * @typedef {object} KasmClientOptions
 * @property {string} [url]  the server's root; default: where the page lies
 * @property {import("./src/display/scaling.js").ScaleMode} [scale]  default "resize"
 * @property {boolean} [devicePixels]  true: as fine as the screen is; default false: things on the
 *   desktop are as large as on other pages, still in whole device pixels
 * @property {boolean} [commandIsControl]  macOS: Command acts as Ctrl; default true
 * @property {boolean} [showsRegions]  borders round what is drawn, by codec; default false
 * @property {Partial<import("./src/connection/picture_wishes.js").PictureWishes>} [picture]  what
 *   to ask the server for; default: as it is set
 * @property {boolean} [automaticClipboard]  share text with the browser's clipboard; default true
 */

/**
 * Something for the person; also what the server tells.
 * @typedef {{severity: "info" | "warning" | "error", topic: string, text: string}} NoticeDetail
 */

/** @typedef {import("./src/connection/supervisor.js").ConnectionState} ConnectionState */
/** @typedef {import("./src/protocol/messages.js").ClientMessage} ClientMessage */

const SEVERITIES = /** @type {const} */ (["info", "warning", "error"]);

/**
 * A remote desktop inside an element of a page.
 *
 * Events (CustomEvent, all about `detail`): `state` ConnectionState · `permissions`
 * `{canRead, canWrite, isOwner}` · `notice` NoticeDetail · `desktop` `{name, userName, version,
 * canSignOut}` · `clipboard` `{text, isRefused}`: text copied on the desktop; refused: the browser did not take it ·
 * `panel`: Ctrl+Alt+Shift were pressed and let go · `keysreleased`: held keys are up.
 */
export class KasmClient extends EventTarget {
  #supervisor;
  #screen;
  #cursor;
  #keyboard;
  #pointer;
  #clipboard;
  #meter = new Meter();
  #permissions = 0;
  #version = "";
  #needsLogin = true;
  #askedSize = "";
  #troubles;
  #wishes = { ...NO_WISHES };
  #abort = new AbortController();

  /**
   * @param {HTMLElement} element  filled by the desktop; give it a size
   * @param {KasmClientOptions} options
   */
  constructor(element, options = {}) {
    super();
    const { url = ".", scale = "resize", devicePixels = false } = options;
    const { commandIsControl = true, automaticClipboard = true, showsRegions = false } = options;
    this.element = element;
    Object.assign(this.#wishes, options.picture);
    this.#screen = new Screen(element, {
      mode: scale,
      usesDevicePixels: devicePixels,
      viewportChanged: () => this.#askForSize(),
      laidOut: () => this.#cursor?.rescale(this.#screen.cssScale),
      contentsLost: () => this.#send({ type: "RefreshRequested" }),
    });
    this.#screen.showRegions(showsRegions);
    const { canvas, root } = this.#screen;
    this.#cursor = new Cursor(canvas, root);
    this.#keyboard = this.#makeKeyboard(root, commandIsControl);
    this.#pointer = new Pointer(canvas, {
      pixelAt: (point) => this.#screen.pixelAt(point),
      send: (message) => this.#send(message),
      happened: (event) => this.#pointerHappened(event),
    });
    this.#clipboard = this.#makeClipboard(automaticClipboard);
    const address = new URL(url, document.baseURI);
    const memory = new CodecMemory(address.origin, findStorage(), Date.now());
    const warn = (/** @type {string} */ topic, /** @type {string} */ text) =>
      this.#notice("warning", topic, text);
    this.#troubles = new CodecTroubles(memory, warn);
    this.#supervisor = this.#makeSupervisor(address);
    this.#listenToPage();
    this.#allow(0);
  }

  /** @returns {ConnectionState} */
  get state() {
    return this.#supervisor.state;
  }

  /** Name of the transport in use; empty before the first connection. */
  get transport() {
    return this.#supervisor.transport;
  }

  /** True when this viewer may type, point and change the desktop's size. */
  get canWrite() {
    return (this.#permissions & PERMISSION.WRITE) !== 0;
  }

  /** Connect now, or try again at once; what happens is told by `state`. */
  connect() {
    this.#supervisor.connect();
  }

  /** Leave the desktop; the last picture stays. */
  disconnect() {
    this.#supervisor.disconnect();
  }

  /** Leave and take everything out of the page; the client cannot be used afterwards. */
  dispose() {
    this.#supervisor.dispose();
    this.#abort.abort();
    this.#keyboard.dispose();
    this.#pointer.dispose();
    this.#clipboard.dispose();
    this.#screen.dispose();
  }

  /** Give the desktop the keyboard. */
  focus() {
    this.#keyboard.focus();
  }

  /**
   * Change options while it runs; what is not named stays.
   * @param {Omit<KasmClientOptions, "url">} options
   */
  configure({ scale, devicePixels, commandIsControl, automaticClipboard, showsRegions, picture }) {
    if (showsRegions !== undefined) this.#screen.showRegions(showsRegions);
    if (picture !== undefined) this.#send(pictureSettings(Object.assign(this.#wishes, picture)));
    this.#screen.configure({ mode: scale, usesDevicePixels: devicePixels });
    if (commandIsControl !== undefined) this.#keyboard.configure(commandIsControl);
    if (automaticClipboard !== undefined) this.#clipboard.isAutomatic = automaticClipboard;
    this.#askForSize();
  }

  /**
   * Type a text, whatever keyboard the desktop believes to have.
   * @param {string} text
   */
  typeText(text) {
    textMessages(text).forEach((message) => this.#send(message));
  }

  /**
   * Press keys one after another and release them in reverse, such as Control, Alt, Delete.
   * @param {{key: string, code: string}[]} keys  named as in KeyboardEvent
   */
  pressKeys(keys) {
    for (const { key, code } of keys) this.#keyboard.sendKey(key, code, true);
    for (const { key, code } of [...keys].reverse()) this.#keyboard.sendKey(key, code, false);
  }

  /**
   * Press or release one key; `keysreleased` tells when the client let go of it by itself.
   * @param {{key: string, code: string}} name  as in KeyboardEvent
   * @param {boolean} pressed
   */
  holdKey({ key, code }, pressed) {
    this.#keyboard.sendKey(key, code, pressed);
  }

  /**
   * Give the desktop this text as its clipboard.
   * @param {string} text
   */
  sendClipboard(text) {
    if (this.canWrite) this.#clipboard.offer(text);
  }

  /** Figures of the last two seconds, with the picture's size and the ways to the server. */
  readStatistics() {
    const { transports } = this.#supervisor;
    return { ...this.#meter.read(wallClock_ms()), picture: this.#screen.framebuffer, transports };
  }

  /**
   * @param {HTMLElement} parent
   * @param {boolean} translatesCommand
   */
  #makeKeyboard(parent, translatesCommand) {
    return new Keyboard(parent, {
      translatesCommand,
      send: (message) => this.#send(message),
      chordPressed: () => this.#emit("panel", {}),
      wantsPasteEvents: () => this.#clipboard.needsPasteEvents,
      pasted: (text) => this.sendClipboard(text),
    });
  }

  /** @param {boolean} isAutomatic */
  #makeClipboard(isAutomatic) {
    const clipboard = new SharedClipboard({
      send: (message) => this.#send(message),
      received: (text, isRefused) => this.#emit("clipboard", { text, isRefused }),
      warn: (topic, text) => this.#notice("warning", topic, text),
    });
    clipboard.isAutomatic = isAutomatic;
    return clipboard;
  }

  /** @param {URL} address */
  #makeSupervisor(address) {
    const base = new URL(address);
    if (!base.pathname.endsWith("/")) base.pathname = base.pathname.replace(/[^/]*$/, "");
    return new Supervisor({
      base,
      makeHello: () => this.#makeHello(),
      isLeftOut: (codec) => this.#troubles.isLeftOut(codec),
      receive: (message) => this.#receive(message),
      stateChanged: (state) => this.#stateChanged(state),
      informed: (info) => this.#checkInfo(info),
    });
  }

  #listenToPage() {
    const { signal } = this.#abort;
    const release = () => {
      this.#keyboard.releaseAll();
      this.#send({ type: "KeysReleased" });
      this.#emit("keysreleased", {});
    };
    window.addEventListener("blur", release, { signal });
    document.addEventListener("visibilitychange", () => document.hidden && release(), { signal });
    window.addEventListener("pagehide", () => this.disconnect(), { signal });
    window.addEventListener("pageshow", (shown) => shown.persisted && this.connect(), { signal });
    window.addEventListener("online", () => this.#hurry(), { signal });
    const { connection } = /** @type {{connection?: EventTarget}} */ (navigator);
    connection?.addEventListener("change", () => this.#supervisor.networkChanged(), { signal });
    this.#keyboard.field.addEventListener("keydown", () => this.#clipboard.activated(), {
      signal,
    });
  }

  /** The network is back: do not wait for the next attempt. */
  #hurry() {
    if (this.state.name === "waiting") this.connect();
    else this.#supervisor.networkChanged();
  }

  /** @param {ClientMessage} message */
  #send(message) {
    if (this.canWrite || message.type === "RefreshRequested") this.#supervisor.send(message);
  }

  #makeHello() {
    const { width, height } = this.#screen.wantedSize ?? { width: 0, height: 0 };
    const wantsResize = this.#screen.mode === "resize" && width > 0;
    this.#askedSize = wantsResize ? `${width}x${height}` : "";
    return {
      type: /** @type {const} */ ("Hello"),
      protocol_version: PROTOCOL_VERSION,
      client_name: "kasmcore web",
      features: FEATURES,
      viewport_width: width,
      viewport_height: height,
      pixel_ratio_percent: Math.min(Math.round(window.devicePixelRatio * 100), 0xffff),
      wants_resize: wantsResize,
    };
  }

  #askForSize() {
    if (this.#screen.mode !== "resize" || this.state.name !== "connected") return;
    if (this.#screen.wantedSize === null) return;
    const { width, height } = this.#screen.wantedSize;
    if (this.#askedSize === `${width}x${height}`) return;
    this.#askedSize = `${width}x${height}`;
    this.#send({ type: "ResizeRequested", width, height });
  }

  /** @param {ConnectionState} state */
  #stateChanged(state) {
    if (state.name !== "connected") this.#allow(0);
    this.#emit("state", state);
  }

  /** @param {import("./src/connection/server_info.js").ServerInfo} info */
  #checkInfo({ version, login_required: needsLogin }) {
    this.#needsLogin = needsLogin;
    if (this.#version !== "" && version !== this.#version) {
      this.#notice("warning", "server_updated", "The server has been updated. Reload the page.");
    }
    this.#version = version;
  }

  /** @param {import("./src/connection/supervisor.js").ToldToClient} told */
  #receive(told) {
    if (told.kind === "pictures") this.#present(told.pictures);
    else if (told.kind === "message") this.#take(told.message);
    else if (told.kind === "round_trip") this.#meter.pathMeasured(told, wallClock_ms());
    else if (told.kind === "carried") this.#meter.moved();
    else if (told.kind === "frame_lost") this.#meter.frameLost();
    else if (told.kind === "decoder_missing") this.#troubles.missing(told);
    else {
      this.#meter.frameFailed();
      this.#troubles.frameFailed(told, Date.now());
    }
  }

  /** @param {import("./src/workers/thread_messages.js").Picture[]} pictures */
  #present(pictures) {
    const buffers = pictures.flatMap(({ parts, ...size }) => this.#screen.present(size, parts));
    const at_ms = wallClock_ms();
    const { serial } = pictures[pictures.length - 1];
    const { slowDrawing_ms } = this.#screen;
    this.#supervisor.presented({ serial, at_ms, buffers, slowDrawing_ms });
    for (const { parts, server, received_ms, decoded_ms } of pictures) {
      const sizes = parts.map(({ codec, bytes, width, height }) => ({
        ...{ codec, bytes, width, height },
      }));
      this.#meter.frameShown({ at_ms, received_ms, decoded_ms, server, parts: sizes });
    }
  }

  /** @param {import("./src/workers/thread_messages.js").PassedOnMessage} message */
  #take(message) {
    if (message.type === "Welcome") this.#welcome(message);
    else if (message.type === "CursorImage") this.#cursor.show(message, this.#screen.cssScale);
    else if (message.type === "Notice") {
      const { severity, topic, text } = message;
      this.#notice(SEVERITIES[severity], topic, this.#troubles.explain(topic, text));
    } else if (message.type === "PermissionsChanged") this.#allow(message.permissions);
    else if (message.type === "ViewerStatistics") this.#meter.serverTold(message);
    else this.#clipboard.take(message);
  }

  /** @param {import("./src/protocol/messages.js").Welcome} welcome */
  #welcome(welcome) {
    const { desktop_name: name, user_name: userName, server_version: version } = welcome;
    this.#clipboard.connected(welcome.maximum_clipboard_bytes);
    this.#troubles.connected();
    this.#meter.connected();
    this.#allow(welcome.permissions);
    if (hasWishes(this.#wishes)) this.#send(pictureSettings(this.#wishes));
    this.#emit("desktop", { name, userName, version, canSignOut: this.#needsLogin });
    this.#askForSize();
  }

  /** @param {number} permissions */
  #allow(permissions) {
    if (this.canWrite && (permissions & PERMISSION.WRITE) === 0) this.#keyboard.releaseAll();
    this.#permissions = permissions;
    this.#keyboard.isEnabled = this.canWrite;
    this.#pointer.isEnabled = this.canWrite;
    this.#emit("permissions", {
      canRead: (permissions & PERMISSION.READ) !== 0,
      canWrite: this.canWrite,
      isOwner: (permissions & PERMISSION.OWNER) !== 0,
    });
  }

  /** @param {MouseEvent} event */
  #pointerHappened(event) {
    const isTouch = "pointerType" in event && event.pointerType === "touch";
    if (event.type === "pointerdown" && !isTouch) {
      const box = this.#screen.root.getBoundingClientRect();
      this.#keyboard.moveField(event.clientX - box.left, event.clientY - box.top);
      this.focus();
    }
    this.#keyboard.sync(event);
    this.#clipboard.activated();
  }

  /**
   * @param {NoticeDetail["severity"]} severity
   * @param {string} topic
   * @param {string} text
   */
  #notice(severity, topic, text) {
    this.#emit("notice", { severity, topic, text });
  }

  /**
   * @param {string} type
   * @param {object} detail
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
