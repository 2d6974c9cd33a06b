// Elements are made here and nowhere else. Text becomes text nodes, never markup: header values, names of
// models and hints are strangers' words.

/** An element. properties: attributes, `text`, or `onclick` and the like; null and false are left out. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "text") made.textContent = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export const byId = (id) => document.getElementById(id);

/** Change a text only where it differs, so that selections and live regions are left alone. */
export function setText(node, text) {
  const wanted = String(text ?? "");
  if (node.textContent !== wanted) node.textContent = wanted;
}

const shown = new WeakMap();

/**
 * Make the rows of a parent match a list: one a key, in its order; a table's head stays before them. What is
 * there already stays the same element, with its focus, its open state and its selection.
 */
export function keepRows(parent, items, keyOf, make, update) {
  const before = shown.get(parent) ?? new Map();
  const wanted = new Map(items.map((item) => [keyOf(item), item]));
  for (const [key, row] of before) if (!wanted.has(key)) row.remove();
  const focused = document.activeElement;
  const after = new Map();
  let place = parent.tHead ? parent.tHead.nextElementSibling : parent.firstElementChild;
  for (const [key, item] of wanted) {
    const row = before.get(key) ?? make(item);
    if (row === place) place = row.nextElementSibling;
    else parent.insertBefore(row, place);
    update(row, item);
    after.set(key, row);
  }
  shown.set(parent, after);
  // A row that was moved has lost its focus on the way.
  if (focused !== document.activeElement && parent.contains(focused)) focused.focus({ preventScroll: true });
}
