/** How long a border stays. */
const LASTS_MS = 1000;
const REFRESH_MS = 100;
const COLOURS = new Map([
  ["copy", "#ff9f1c"],
  ["h264", "#ff2d95"],
  ["jpeg", "#2ec4b6"],
  ["webp", "#3a86ff"],
  ["deflate", "#8ac926"],
  ["qoi", "#ffd60a"],
]);
const OTHER = "#ffffff";

/**
 * @typedef {object} Region
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 * @property {string} codec
 */

/** Borders round what has just been drawn, coloured by codec, over the picture. */
export class RegionOverlay {
  /** @type {{region: Region, until_ms: number}[]} */
  #regions = [];
  #timer = 0;

  /** @param {HTMLCanvasElement} picture  whose place and size it takes */
  constructor(picture) {
    this.picture = picture;
    this.canvas = document.createElement("canvas");
    this.canvas.className = "kasmcore-regions";
    this.legend = document.createElement("ul");
    this.legend.className = "kasmcore-region-legend";
    Object.assign(this.canvas.style, { position: "absolute", pointerEvents: "none" });
    Object.assign(this.legend.style, {
      ...{ position: "absolute", top: "8px", right: "8px", margin: "0", padding: "4px 8px" },
      ...{ listStyle: "none", font: "12px monospace", background: "rgb(0 0 0 / 70%)" },
      pointerEvents: "none",
    });
    picture.after(this.canvas, this.legend);
    this.follow();
  }

  /** Lie where the picture lies. */
  follow() {
    const { left, top, width, height } = this.picture.style;
    Object.assign(this.canvas.style, { left, top, width, height });
  }

  /**
   * @param {Region[]} regions  just drawn
   * @param {number} now_ms
   */
  note(regions, now_ms) {
    const until_ms = now_ms + LASTS_MS;
    for (const { x, y, width, height, codec } of regions) {
      this.#regions.push({ region: { x, y, width, height, codec }, until_ms });
    }
    if (this.#timer === 0) this.#timer = window.setTimeout(() => this.#draw(), 0);
  }

  /** Take it out of the page. */
  dispose() {
    window.clearTimeout(this.#timer);
    this.canvas.remove();
    this.legend.remove();
  }

  #draw() {
    const now_ms = performance.now();
    this.#regions = this.#regions.filter(({ until_ms }) => until_ms > now_ms);
    this.#timer =
      this.#regions.length === 0 ? 0 : window.setTimeout(() => this.#draw(), REFRESH_MS);
    const { width, height } = this.picture;
    Object.assign(this.canvas, { width, height }); // also clears it
    const context = this.canvas.getContext("2d");
    if (context === null) return;
    context.lineWidth = 2;
    for (const { region } of this.#regions) {
      context.strokeStyle = colourOf(region.codec);
      context.strokeRect(region.x + 1, region.y + 1, region.width - 2, region.height - 2);
    }
    this.#explain(new Set(this.#regions.map(({ region }) => region.codec)));
  }

  /** @param {Set<string>} codecs */
  #explain(codecs) {
    const items = [...codecs].sort().map((codec) => {
      const item = document.createElement("li");
      item.textContent = `■ ${codec}`;
      item.style.color = colourOf(codec);
      return item;
    });
    this.legend.replaceChildren(...items);
    this.legend.hidden = items.length === 0;
  }
}

/** @param {string} codec */
function colourOf(codec) {
  return COLOURS.get(codec) ?? OTHER;
}
