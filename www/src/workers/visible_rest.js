/**
 * @typedef {{x: number, y: number, width: number, height: number}} Place
 */

/**
 * What of a rectangle no other one covers.
 * @param {Place} rectangle
 * @param {Place[]} covers
 * @returns {Place[] | null}  rectangles that do not overlap; null: none of the others touches it
 */
export function visibleRest({ x, y, width, height }, covers) {
  /** @type {Place[]} */
  let rest = [{ x, y, width, height }];
  let isTouched = false;
  for (const cover of covers) {
    if (!rest.some((each) => doTouch(each, cover))) continue;
    isTouched = true;
    rest = rest.flatMap((each) => (doTouch(each, cover) ? without(each, cover) : [each]));
  }
  return isTouched ? rest : null;
}

/**
 * Up to four rectangles: above, below, left and right of the hole.
 * @param {Place} whole
 * @param {Place} hole  touches it
 * @returns {Place[]}
 */
function without({ x, y, width, height }, hole) {
  const left = Math.max(x, hole.x);
  const top = Math.max(y, hole.y);
  const right = Math.min(x + width, hole.x + hole.width);
  const bottom = Math.min(y + height, hole.y + hole.height);
  return [
    { x, y, width, height: top - y },
    { x, y: bottom, width, height: y + height - bottom },
    { x, y: top, width: left - x, height: bottom - top },
    { x: right, y: top, width: x + width - right, height: bottom - top },
  ].filter((each) => each.width > 0 && each.height > 0);
}

/**
 * @param {Place} first
 * @param {Place} second
 */
export function doTouch(first, second) {
  return (
    first.x < second.x + second.width &&
    second.x < first.x + first.width &&
    first.y < second.y + second.height &&
    second.y < first.y + first.height
  );
}
