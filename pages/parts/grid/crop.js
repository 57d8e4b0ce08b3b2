// The crop over the large picture: the part of it that counts, what a detector saw, and changing the crop by hand.
// A box is [left, top, right, bottom] in px of the upright picture; the stage lies exactly over the picture.

const SEEN_KEY = "winnow:seen";
const LEAST = 16; // px, the shortest side a crop is given by hand
const STEP = 0.01; // of the picture's longer side, for one press of an arrow
const SMALL = 90; // px on the screen, the shortest side that has room for a handle between two corners
const SIDES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const HOW = "Drag a corner or a side, drag the inside to move it, or drag beside it to draw a new one. Arrows move it, " +
  "Shift + arrows resize it.";
const FOR = "Only this part is what the model will learn from. The picture itself stays whole.";

function between(value, least, most) {
  return Math.min(Math.max(value, least), Math.max(least, most));
}

// The box with some of its sides ("nw") moved, or all of it ("move"), as far as the picture goes.
function dragged([left, top, right, bottom], sides, across, down, width, height) {
  if (sides === "move") {
    const x = between(across, -left, width - right);
    const y = between(down, -top, height - bottom);
    return [left + x, top + y, right + x, bottom + y];
  }
  const [wide, high] = [Math.min(LEAST, width), Math.min(LEAST, height)];
  return [
    sides.includes("w") ? between(left + across, 0, right - wide) : left,
    sides.includes("n") ? between(top + down, 0, bottom - high) : top,
    sides.includes("e") ? between(right + across, left + wide, width) : right,
    sides.includes("s") ? between(bottom + down, top + high, height) : bottom,
  ];
}

// The box from one corner to the other, at least as large as a crop has to be.
function spanned([x, y], [toX, toY], width, height) {
  const least = [Math.min(LEAST, width), Math.min(LEAST, height)];
  const left = between(Math.min(x, toX), 0, width - least[0]);
  const top = between(Math.min(y, toY), 0, height - least[1]);
  return [left, top, between(Math.max(x, toX), left + least[0], width), between(Math.max(y, toY), top + least[1], height)];
}

class Crop {
  constructor(look) {
    Object.assign(this, { look, grid: look.grid, known: null, draft: null, wanted: false });
    this.shown = stored(localStorage, SEEN_KEY) ?? true;
    this.stage = make("div", "stage");
    const shade = make("div", "shade");
    this.hole = make("div", "hole");
    shade.append(this.hole);
    this.frame = make("div", "crop");
    this.frame.setAttribute("role", "application"); // so that a screen reader leaves the arrows to it
    this.frame.setAttribute("aria-label", "Crop. Arrows move it, Shift and arrows resize it, Enter saves it, Escape gives up.");
    this.frame.append(...SIDES.map((side) => {
      const handle = make("span", `handle ${side}`);
      handle.dataset.side = side;
      return handle;
    }));
    this.outlines = make("div", "outlines");
    this.stage.append(shade, this.frame, this.outlines);
    this.panel = this.build();
    listenToCrop(look.picture, this);
    this.show();
  }

  build() {
    const panel = make("section", "cropping");
    this.sentence = make("p");
    this.place = make("p", "quiet");
    this.place.setAttribute("role", "status");
    this.change = command("Change the crop", "b", () => this.begin(), "plain");
    this.whole = command("Use the whole picture", "", () => this.store([0, 0, this.known.width, this.known.height]), "plain");
    this.see = command("Show what the detector saw", "", () => this.toggle(), "plain");
    this.save = command("Save the crop", "Enter", () => this.store(this.draft), "commit");
    this.quit = command("Cancel", "Esc", () => this.cancel(), "plain");
    const buttons = make("div", "buttons");
    buttons.append(this.change, this.save, this.quit, this.whole, this.see);
    panel.append(make("h4", "", "What the model learns from"), this.sentence, this.place, buttons);
    return panel;
  }

  get changing() {
    return this.draft !== null;
  }

  // What the server knows ------------------------------------------------------------------------------------------

  // Another picture is on the screen: nothing is known of it yet.
  forget() {
    Object.assign(this, { known: null, draft: null, wanted: false });
    this.show();
  }

  // {width, height, box, by, seen: [[label, score, box]]}. What waits in the outbox holds before what the server says.
  fill(known) {
    const waiting = this.grid.outbox.held().get(known.image)?.decisions.find(({ image }) => image === known.image)?.box;
    this.known = waiting ? { ...known, box: waiting, by: "person" } : known;
    if (this.wanted) this.begin();
    else this.show();
  }

  // Changing it ----------------------------------------------------------------------------------------------------

  begin(box = this.known?.box) {
    const { known } = this;
    if (!known || this.look.missing) return void (this.wanted = !this.look.missing);
    this.wanted = false;
    this.look.own();
    const inset = [known.width / 10, known.height / 10, known.width * 0.9, known.height * 0.9];
    this.drag(box ?? inset, "nesw", 0, 0); // a detector may look beyond the edge
    this.frame.focus({ preventScroll: true });
  }

  set(box) {
    this.draft = box.map(Math.round);
    this.show();
  }

  drag(box, sides, across, down) {
    this.set(dragged(box, sides, across, down, this.known.width, this.known.height));
  }

  // One press of an arrow: across and down are -1, 0 or 1.
  nudge(across, down, resize) {
    const step = Math.max(1, STEP * Math.max(this.known.width, this.known.height));
    this.drag(this.draft, resize ? "se" : "move", across * step, down * step);
  }

  cancel() {
    this.draft = null;
    this.show();
    this.look.rest();
  }

  store(box) {
    if (!this.grid.crop(box, this.isWhole(box) ? "Kept, with the whole picture." : "Kept, with your crop.")) return;
    Object.assign(this, { known: { ...this.known, box, by: "person" }, draft: null });
    this.show();
    this.look.rest();
  }

  // On the screen --------------------------------------------------------------------------------------------------

  isWhole([left, top, right, bottom]) {
    return left <= 0 && top <= 0 && right >= this.known.width && bottom >= this.known.height;
  }

  toggle() {
    this.shown = !this.shown;
    try {
      localStorage.setItem(SEEN_KEY, JSON.stringify(this.shown));
    } catch {
      // it is then chosen again next time
    }
    this.show();
  }

  show() {
    const { known, changing } = this;
    this.stage.hidden = this.panel.hidden = !known || this.look.missing;
    this.look.dialog.classList.toggle("changing", changing);
    if (!known) return;
    this.stage.style.setProperty("--ratio", known.width / known.height);
    const box = this.draft ?? known.box;
    const part = box && (changing || !this.isWhole(box));
    this.frame.hidden = this.hole.hidden = !part;
    this.frame.tabIndex = changing ? 0 : -1;
    if (part) [this.frame, this.hole].forEach((element) => this.lay(element, box));
    this.frame.classList.toggle("narrow", changing && this.frame.offsetWidth < SMALL);
    this.frame.classList.toggle("low", changing && this.frame.offsetHeight < SMALL);
    this.outline(known.seen);
    this.say(box, part);
  }

  lay(element, [left, top, right, bottom]) {
    const { width, height } = this.known;
    const share = { left: left / width, top: top / height, width: (right - left) / width, height: (bottom - top) / height };
    for (const [name, value] of Object.entries(share)) element.style[name] = `${100 * value}%`;
  }

  // The largest first, so that the smaller ones lie above it and can be pressed.
  outline(seen) {
    this.outlines.hidden = !this.shown;
    const drawn = JSON.stringify([this.known.image, seen]);
    if (this.drawn === drawn) return; // the server says the same every few seconds: what has the focus keeps it
    this.drawn = drawn;
    const area = ([, , [left, top, right, bottom]]) => (right - left) * (bottom - top);
    this.outlines.replaceChildren(...[...seen].sort((a, b) => area(b) - area(a)).map(([label, score, box]) => {
      const outline = make("div", "outline");
      const name = make("button", box[0] > 0.7 * this.known.width ? "name back" : "name", `${label} ${Math.round(100 * score)} %`);
      name.title = "Take this box as the crop";
      name.setAttribute("aria-label", `${label}, ${Math.round(100 * score)} % sure. Take this box as the crop`);
      outline.append(name);
      outline.onclick = () => this.begin(box);
      this.lay(outline, box);
      return outline;
    }));
  }

  say(box, part) {
    const { known, changing } = this;
    const who = { person: "Drawn by hand. ", detector: "Chosen by the detector. " }[known.by] ?? "";
    this.sentence.textContent = changing ? HOW
      : part ? who + FOR : `The whole picture${known.by === "person" ? ", chosen by hand" : ""}. A crop leaves out what does not belong to the class.`;
    const [left, top, right, bottom] = part ? box : [0, 0, known.width, known.height];
    const text = `${Math.round(right - left)} × ${Math.round(bottom - top)} of ${known.width} × ${known.height} px`;
    this.place.hidden = !part;
    if (this.place.textContent !== text) this.place.textContent = text;
    this.change.firstChild.textContent = part ? "Change the crop" : "Draw a crop";
    this.change.hidden = changing;
    this.whole.hidden = changing || !part;
    this.save.hidden = this.quit.hidden = !changing;
    this.see.hidden = !known.seen.length;
    this.see.setAttribute("aria-pressed", String(this.shown));
  }
}
