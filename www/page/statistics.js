import { find } from "./elements.js";

const EVERY_MS = 500;

/**
 * @typedef {ReturnType<import("../client.js").KasmClient["readStatistics"]>} Figures
 */

/**
 * The figures in words, in the order in which they are shown.
 * @param {Figures} figures
 * @param {string} transport
 * @returns {[string, string][]}
 */
export function describe({ picture, server, ...figures }, transport) {
  /** @type {[string, string][]} */
  const lines = [
    ["Picture", `${picture.width} × ${picture.height}`],
    ["Frames", `${figures.frames_per_s.toFixed(1)} a second`],
    ["Pictures' data", `${(figures.bits_per_s / 1e6).toFixed(2)} Mbit/s`],
    [
      "Codecs",
      figures.codecs
        .map(({ codec, share }) => `${codec} ${Math.round(share * 100)} %`)
        .join(", ") || "–",
    ],
    ["Round trip", figures.round_trip_ms === null ? "–" : milliseconds(figures.round_trip_ms)],
    ["Decoding", milliseconds(figures.decode_ms)],
    ["Showing", milliseconds(figures.present_ms)],
    ["Connection", transport],
  ];
  if (server !== null) {
    lines.push(
      ["Encoding (server)", milliseconds(server.encode_ms)],
      ["Skipped frames (server)", String(server.skipped_frames)],
      ["Viewers", String(server.viewers)],
    );
  }
  if (figures.failedFrames > 0) lines.push(["Failed frames", String(figures.failedFrames)]);
  return lines;
}

/** @param {number} duration_ms */
const milliseconds = (duration_ms) => `${duration_ms.toFixed(1)} ms`;

/** The box with figures in the corner. */
export class StatisticsBox {
  #section = find("statistics", HTMLElement);
  #list = find("statistics-list", HTMLElement);
  #timer = 0;

  /** @param {() => [string, string][]} read */
  constructor(read) {
    this.read = read;
  }

  /** @param {boolean} isShown */
  toggle(isShown) {
    this.#section.hidden = !isShown;
    window.clearInterval(this.#timer);
    if (!isShown) return;
    this.#refresh();
    this.#timer = window.setInterval(() => this.#refresh(), EVERY_MS);
  }

  #refresh() {
    const nodes = this.read().flatMap(([name, value]) => {
      const term = document.createElement("dt");
      term.textContent = name;
      const detail = document.createElement("dd");
      detail.textContent = value;
      return [term, detail];
    });
    this.#list.replaceChildren(...nodes);
  }
}
