// Small bars beside figures. They repeat what the figures say, so assistive technology passes them by.
import { element } from "./elements.js";

/** A track with one piece for each kind, such as `failed`. Widths go through the style object: no inline style. */
export function bar(...kinds) {
  return element("span", { class: "bar", "aria-hidden": "true" }, ...kinds.map((kind) => element("i", { class: kind })));
}

/** Set the pieces of a bar as parts of a whole; what is there is seen, however small. */
export function setBar(track, parts, whole) {
  [...track.children].forEach((piece, index) => {
    const part = parts[index] ?? 0;
    piece.style.width = whole > 0 ? `${Math.min(100, (100 * part) / whole)}%` : "0";
    piece.style.minWidth = part > 0 ? "3px" : "0";
  });
}
