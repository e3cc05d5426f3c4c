/**
 * The element of this page with that id; a page without it is broken.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type  what it must be
 * @returns {T}
 */
export function find(id, type) {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`the page has no ${type.name} #${id}`);
}
