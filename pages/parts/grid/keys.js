// The keyboard. One list says what each key does; the same list is what "?" shows.

const KEYS = [
  ["← ↑ → ↓  Home  End", "move"],
  ["x  or  Space", "reject, or take it back"],
  ["1 … 9", "reject with a reason"],
  ["Shift + arrows", "choose a range; x or 1 … 9 marks all of it"],
  ["drag, or Shift + click", "mark a range; on a new page Shift + click marks from the first picture on"],
  ["a   k   i", "reject all, keep all, invert"],
  ["l", "reject all like this, or give them a class (r): arrows move the border, x leaves one out, Enter stores"],
  ["s", "stacks of likely rejects; n and p turn them over"],
  ["v", "two classes side by side: Space moves a picture over, x rejects it, Enter stores"],
  ["Enter", "store the page: the marked are rejected, the rest is kept"],
  ["u", "undo your last step, also after a reload"],
  ["p   n", "page before, page after; nothing is stored"],
  ["f  or double click", "look closer: where it came from, what was decided"],
  ["c", "give it the class that it looks like, or take that back; a list of classes where that is not sure"],
  ["r", "give it another class"],
  ["b", "change its crop: arrows move, Shift + arrows resize, Enter saves, Esc gives up"],
  ["/", "to the filters"],
  ["?", "this list"],
];

const TYPING = "input, textarea, select, [contenteditable], [role=combobox], [role=listbox], [role=slider], [role=menu], " +
  "[role=tab], [role=radio]";
const PRESSED = "button, a, summary"; // Enter and Space are theirs

function onKey(grid, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !grid.outbox) return;
  const target = event.composedPath()[0];
  if (!(target instanceof Element)) return;
  const inside = grid.root.contains(target);
  if (!inside && target.closest(`${TYPING}, [role=dialog]`)) return; // somebody types elsewhere on the page
  if (inside && target.matches("select, input:not([type=range])")) return;
  if (inside && target.matches("input[type=range]") && event.key.startsWith("Arrow")) return;
  if (target.closest(PRESSED) && ["Enter", " "].includes(event.key)) return;
  const action = actionOf(grid, event);
  if (!action) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (event.repeat && ["Enter", "u"].includes(event.key)) return; // a key held down must not store page after page
  action();
}

function actionOf(grid, event) {
  const { key, shiftKey } = event;
  const view = grid.view;
  if (grid.look.crop.changing) return cropActionOf(grid.look.crop, key, shiftKey);
  if (view.help.open) return key === "?" ? () => view.help.close() : null;
  if (grid.many.open && grid.many.mode === "pairs") return sidesActionOf(grid.many.sides, key);
  if (grid.many.open) return manyActionOf(grid.many, key, shiftKey);
  if (key.startsWith("Arrow")) return () => grid.shown && step(grid, key, shiftKey);
  if (key === "Home" || key === "End") return () => grid.shown && grid.move(key === "Home" ? 0 : grid.shown.tiles.length - 1, shiftKey);
  if (/^[1-9]$/.test(key) && grid.reasons?.[key - 1]) return () => grid.reject(grid.reasons[key - 1]);
  const both = { x: () => grid.toggle(), " ": () => grid.toggle(), r: () => grid.tile() && grid.look.show(true),
    u: () => grid.undo(), l: () => grid.alike(), b: () => grid.tile() && toCrop(grid.look) };
  const looking = { f: () => grid.look.dialog.close() };
  const plain = {
    a: () => grid.all(true), k: () => grid.all(false), i: () => grid.invert(),
    Enter: () => grid.commit(), p: () => grid.go(grid.cursor - 1), n: () => grid.go(grid.cursor + 1),
    f: () => grid.tile() && grid.look.show(), s: () => toStacks(grid), v: () => toSides(grid), c: () => grid.moveOver(), "/": () => toFilters(grid), "?": () => view.help.showModal(),
    Escape: grid.anchor === null ? null : () => grid.move(grid.at),
  };
  const name = key.length === 1 ? key.toLowerCase() : key;
  return both[name] ?? (grid.look.open ? looking : plain)[name];
}

// While a crop is being changed the keys are about it, and about nothing else.
function cropActionOf(crop, key, shiftKey) {
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  if (way) return () => crop.nudge(...way, shiftKey);
  if (key === "Enter") return () => crop.store(crop.draft);
  if (key === "Escape") return () => crop.cancel();
  return key.length === 1 || key === "Home" || key === "End" ? () => {} : null;
}

// Over the look-alikes the arrows move the border, and with Shift the cursor.
function manyActionOf(many, key, shiftKey) {
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -many.columns, ArrowDown: many.columns }[key];
  if (by) return () => (shiftKey ? many.choose(by) : many.moveBorder(many.border + by));
  if (/^[1-9]$/.test(key)) return () => many.because(many.grid.reasons[key - 1]);
  const name = key.length === 1 ? key.toLowerCase() : key;
  const does = {
    Home: () => many.moveBorder(1), End: () => many.moveBorder(Infinity), x: () => many.flip(many.at), " ": () => many.flip(many.at),
    Enter: () => many.commit(), u: () => many.undo(), n: () => many.turn(1), p: () => many.turn(-1), r: () => many.fate.focus(), "?": () => many.grid.view.help.showModal(),
  };
  return does[name] ?? (key.length === 1 ? () => {} : null); // no other key may reach the page behind
}

function toCrop(look) {
  if (!look.open) look.show();
  look.crop.begin();
}

function toStacks(grid) {
  if (grid.view.piles.hidden) grid.view.note("There are no stacks of likely rejects now.");
  else grid.many.pile();
}

function toSides(grid) {
  if (grid.classes.length < 2) grid.view.note("There is only one class in this project.");
  else grid.many.sideBySide();
}

function step(grid, key, range) {
  const across = { ArrowLeft: -1, ArrowRight: 1 }[key];
  const to = grid.at + (across ?? (key === "ArrowUp" ? -1 : 1) * grid.view.columns);
  if (to >= 0 && to < grid.shown.tiles.length) grid.move(to, range);
}

function toFilters(grid) {
  document.querySelector(`${grid.data.filters} :is(input, button, [role=combobox])`)?.focus();
}
