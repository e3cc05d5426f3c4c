import { find } from "./elements.js";

const EVERY_MS = 500;

/**
 * @typedef {ReturnType<import("../client.js").KasmClient["readStatistics"]>} Figures
 */

/** @type {Record<import("../src/stats/meter.js").Stage, string>} */
const STAGE_NAMES = {
  capture: "capturing",
  damage: "finding changes",
  plan: "planning",
  encode: "encoding",
  network: "network",
  decode: "decoding",
  present: "showing",
};

/**
 * The figures in words, in the order in which they are shown.
 * @param {Figures} figures
 * @param {string} transport
 * @returns {[string, string][]}
 */
export function describe({ picture, server, ...figures }, transport) {
  const { latency, round_trip_ms: roundTrip_ms } = figures;
  /** @type {[string, string][]} */
  const lines = [
    ["Picture", `${picture.width} × ${picture.height}`],
    ["Frames", `${figures.frames_per_s.toFixed(1)} a second`],
    ["Pictures' data", `${(figures.bits_per_s / 1e6).toFixed(2)} Mbit/s`],
    ["Codecs, of data / of area", codecsInWords(figures)],
    ["Latency, median / 95 %", latency === null ? "–" : inWords(latency)],
  ];
  for (const { stage, ...spread } of figures.stages) {
    lines.push([`– ${STAGE_NAMES[stage]}`, inWords(spread)]);
  }
  lines.push(
    ["Round trip", roundTrip_ms === null ? "–" : `${roundTrip_ms.toFixed(1)} ms`],
    ["Connection", transportInWords(figures.transports, transport)],
  );
  for (const { name, isUsed, reason } of figures.transports) {
    if (!isUsed && reason !== "") lines.push([`– not ${name}`, reason]);
  }
  if (figures.loss !== null) lines.push(["Lost packets", `${(figures.loss * 100).toFixed(1)} %`]);
  if (figures.lostFrames > 0) lines.push(["Lost frames", String(figures.lostFrames)]);
  if (server !== null) {
    lines.push(
      ["Skipped frames", String(server.skipped_frames)],
      ["Viewers", String(server.viewers)],
    );
  }
  if (figures.failedFrames > 0) lines.push(["Failed frames", String(figures.failedFrames)]);
  return lines;
}

/** @param {Pick<Figures, "codecs" | "copies" | "copiedShare">} figures */
function codecsInWords({ codecs, copies, copiedShare }) {
  const words = codecs.map(
    ({ codec, share, areaShare }) => `${codec} ${percent(share)} / ${percent(areaShare)}`,
  );
  if (copies > 0) words.push(`${copies.toFixed(1)} copies a second / ${percent(copiedShare)}`);
  return words.join(", ") || "–";
}

/**
 * @param {Figures["transports"]} transports
 * @param {string} used
 */
function transportInWords(transports, used) {
  const reason = transports.find(({ isUsed }) => isUsed)?.reason;
  return reason ? `${used}: ${reason}` : used;
}

/** @param {number} share */
const percent = (share) => `${Math.round(share * 100)} %`;

/** @param {import("../src/stats/meter.js").Spread} spread */
const inWords = ({ p50_ms, p95_ms }) => `${p50_ms.toFixed(1)} / ${p95_ms.toFixed(1)} ms`;

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
