import { find } from "./elements.js";

const SHOWN_MS = { info: 5000, warning: 10000, error: 20000 };
const MOST_TOASTS = 4;

/**
 * Show a short message in the corner; the same one is not shown twice at a time.
 * @param {import("../client.js").NoticeDetail} notice
 */
export function showToast({ severity, topic, text }) {
  const list = find("toasts", HTMLElement);
  for (const shown of [...list.children]) {
    if (shown instanceof HTMLElement && shown.dataset.topic === topic) shown.remove();
  }
  if (list.childElementCount >= MOST_TOASTS) list.firstElementChild?.remove();
  const toast = document.createElement("div");
  toast.className = `toast ${severity}`;
  toast.dataset.topic = topic;
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "×";
  close.setAttribute("aria-label", "Close this message");
  close.addEventListener("click", () => toast.remove());
  toast.append(words, close);
  list.append(toast);
  window.setTimeout(() => toast.remove(), SHOWN_MS[severity]);
}
