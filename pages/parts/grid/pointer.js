// Mouse, pen and touch on the list of tiles: press marks, Shift + press marks a range, twice or long looks closer.

const LONG_PRESS = 500; // ms
const SLIP = 10; // px a finger may move and still mean the same tile

function listenToPointer(list, grid) {
  let press = null;
  const index = (event) => {
    const tile = event.target.closest?.(".tile");
    return tile && grid.shown ? grid.shown.tiles.findIndex((one) => one.element === tile) : -1;
  };
  const forget = () => {
    clearTimeout(press?.timer);
    if (press && !press.long) press = null;
  };
  list.addEventListener("pointerdown", (event) => {
    press = null;
    const at = index(event);
    if (at < 0 || event.pointerType === "mouse") return;
    press = { x: event.clientX, y: event.clientY, long: false };
    const mine = press;
    press.timer = setTimeout(() => {
      mine.long = true;
      grid.move(at);
      grid.look.show();
    }, LONG_PRESS);
  });
  list.addEventListener("pointermove", (event) => {
    if (press && Math.hypot(event.clientX - press.x, event.clientY - press.y) > SLIP) forget();
  });
  for (const type of ["pointerup", "pointercancel", "pointerleave"]) list.addEventListener(type, forget);
  list.addEventListener("contextmenu", (event) => press && event.preventDefault());
  list.addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault()); // no text selection
  list.addEventListener("click", (event) => {
    const at = index(event);
    if (at < 0 || press?.long) {
      press = null;
      return;
    }
    list.focus({ preventScroll: true });
    if (event.target.closest(".look-at")) {
      grid.move(at);
      grid.look.show();
      return;
    }
    if (event.shiftKey) {
      grid.anchor ??= grid.at;
      grid.move(at, true);
    } else grid.move(at);
    grid.toggle();
  });
  list.addEventListener("dblclick", (event) => {
    if (index(event) < 0 || event.shiftKey || event.target.closest(".look-at")) return;
    grid.look.show(); // the two presses of it marked and unmarked
  });
}
