// Mouse, pen and touch. On the list of tiles: press marks, Shift + press or a drag with the mouse marks a range, twice or
// long looks closer.
// On the large picture: a drag changes the crop.

const LONG_PRESS = 500; // ms
const SLIP = 10; // px a finger may move and still mean the same tile

function listenToPointer(list, grid) {
  let press = null;
  let drag = null; // {from, to}: tiles of a range that the mouse is drawing
  const index = (event) => {
    const tile = event.target.closest?.(".tile");
    return tile && grid.shown ? grid.shown.tiles.findIndex((one) => one.element === tile) : -1;
  };
  const forget = () => {
    clearTimeout(press?.timer);
    if (press && !press.long) press = null;
  };
  list.addEventListener("pointerdown", (event) => {
    press = drag = null;
    const at = index(event);
    if (at < 0) return;
    if (event.pointerType === "mouse") {
      if (event.button !== 0 || event.shiftKey) return;
      const mine = (drag = { from: at, to: at, page: grid.shown });
      window.addEventListener("pointerup", () => mine === drag && drawn(), { once: true }); // a menu may take the last one's
      return;
    }
    press = { x: event.clientX, y: event.clientY, long: false };
    const mine = press;
    press.timer = setTimeout(() => {
      mine.long = true;
      grid.move(at);
      grid.look.show();
    }, LONG_PRESS);
  });
  const drawn = () => {
    if (!drag?.over || grid.shown !== drag.page) return;
    list.focus({ preventScroll: true });
    grid.toggle();
  };
  list.addEventListener("pointermove", (event) => {
    const at = drag && event.buttons & 1 && grid.shown === drag.page ? index(event) : -1;
    if (at >= 0 && at !== drag.to) {
      if (!drag.over) grid.move(drag.from, false, false);
      Object.assign(drag, { to: at, over: true });
      grid.move(at, true, false); // what scrolls would lie elsewhere under the mouse
    }
    if (press && Math.hypot(event.clientX - press.x, event.clientY - press.y) > SLIP) forget();
  });
  for (const type of ["pointerup", "pointercancel", "pointerleave"]) list.addEventListener(type, forget);
  list.addEventListener("contextmenu", (event) => press && event.preventDefault());
  list.addEventListener("mousedown", (event) => event.button === 0 && (event.shiftKey || index(event) >= 0) && event.preventDefault()); // no text selection
  list.addEventListener("click", (event) => {
    const at = index(event);
    if (at < 0 || press?.long || drag?.over) {
      press = drag = null;
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

// A handle moves its sides, the inside of the crop all of it; a drag from anywhere else draws a new one.
function listenToCrop(picture, crop) {
  let press = null;
  const at = (event) => {
    const { left, top, width, height } = crop.stage.getBoundingClientRect();
    return [((event.clientX - left) / width) * crop.known.width, ((event.clientY - top) / height) * crop.known.height];
  };
  picture.addEventListener("pointerdown", (event) => {
    if (!crop.changing || press || event.button !== 0 || event.target.closest(".name")) return;
    const sides = event.target.dataset.side ?? (event.target === crop.frame ? "move" : "");
    press = { id: event.pointerId, from: at(event), box: crop.draft, sides, x: event.clientX, y: event.clientY };
    picture.setPointerCapture(event.pointerId);
  });
  picture.addEventListener("pointermove", (event) => {
    if (event.pointerId !== press?.id || !crop.changing) return;
    const to = at(event);
    const { from, box, sides } = press;
    if (sides) return void crop.drag(box, sides, to[0] - from[0], to[1] - from[1]);
    press.drawing ||= Math.hypot(event.clientX - press.x, event.clientY - press.y) > SLIP;
    if (press.drawing) crop.set(spanned(from, to, crop.known.width, crop.known.height));
  });
  const end = (event) => {
    if (event.pointerId !== press?.id) return;
    if (event.type === "pointercancel" && crop.changing) crop.set(press.box);
    press = null;
  };
  for (const type of ["pointerup", "pointercancel"]) picture.addEventListener(type, end);
  picture.addEventListener("mousedown", (event) => crop.changing && event.preventDefault()); // the keys stay with the crop
  picture.addEventListener("contextmenu", (event) => crop.changing && event.preventDefault());
}
