// One picture of the grid. What the server said of it (`base`), what the reviewer drew on it (`draft`), how it looks.

const SVG = "http://www.w3.org/2000/svg";

function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text; // never innerHTML: names come from other people
  return element;
}

function cross() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "cross");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  for (const points of ["M5 5 19 19", "M19 5 5 19"]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", points);
    svg.append(path);
  }
  return svg;
}

// In words, how many copies a tile stands for; "" for none.
function together(count) {
  return count ? `${count} ${count === 1 ? "copy" : "copies"} more: decided together` : "";
}

function withCopies({ base: { copies } }) {
  return copies.length ? ` with ${copies.length} ${copies.length === 1 ? "copy" : "copies"}` : "";
}

class Tile {
  constructor(image) {
    this.image = image; // its id
    // `copies`: [{image, version, verdict, reason}] of the same photo, which are decided with it
    this.base = { label: "", verdict: "undecided", version: -1, reason: "", why: "", copies: [] };
    this.draft = null; // {reject, reason, label} once touched; label: the class it is to have, "" = as it is
    this.guess = ""; // the class it is of, if not of its own; "" = that is not sure
    this.other = ""; // who decided on it since it was shown here
    this.missing = false; // no picture on disk
  }

  get rejected() {
    return this.draft ? this.draft.reject : this.base.verdict === "reject";
  }

  get reason() {
    if (!this.rejected) return "";
    return this.draft ? this.draft.reason : this.base.reason;
  }

  // The class that it will be stored with, "" where that does not change.
  get moves() {
    return this.draft?.label && this.draft.label !== this.base.label ? this.draft.label : "";
  }

  mark(reject, reason = "", label = "") {
    const same = reject === (this.base.verdict === "reject") && (!reject || reason === this.base.reason) && !label;
    this.draft = same ? null : { reject, reason: reject ? reason : "", label: reject ? "" : label };
    this.other = "";
    this.show();
  }

  // The picture and its copies.
  get images() {
    return [this.image, ...this.base.copies.map((copy) => copy.image)];
  }

  // Decisions, by image, as they will stand once stored; `take` puts what the server says in their place.
  expect(decisions) {
    const stands = (of) => {
      const decision = decisions.get(of.image);
      return decision ? { ...of, verdict: decision.verdict, reason: decision.reason, version: of.version + 1 } : of;
    };
    const own = decisions.get(this.image);
    const label = own?.label || this.base.label;
    const moved = label === this.base.label ? "" : label;
    const base = own ? { ...stands({ ...this.base, image: this.image }), label, moved } : this.base;
    // A copy that was decided on otherwise is on its own.
    const goes = ({ verdict, reason }) => verdict === "undecided" || (verdict === base.verdict && reason === base.reason);
    this.take({ ...base, copies: base.copies.map(stands).filter(goes) }, own ? null : this.draft);
  }

  // What an undo brings back, of those of its pictures that it holds for.
  restore({ base, draft }, undone) {
    const was = new Map(base.copies.map((copy) => [copy.image, copy]));
    const copies = this.base.copies.map((now) =>
      undone.has(now.image) && was.has(now.image) ? { ...was.get(now.image), version: now.version + 1 } : now);
    this.take({ ...base, version: this.base.version + 1, copies }, draft);
  }

  // What the server says of the copies alone: the mark stays.
  hold(copies) {
    this.base = { ...this.base, copies };
    this.show();
  }

  take(base, draft = null) {
    Object.assign(this, { base, draft, other: "" });
    this.show();
  }

  // The decisions that a commit of the page makes of it and its copies: none where nothing changes or nothing was seen.
  decisions() {
    const verdict = this.rejected ? "reject" : "keep";
    const { image, reason, base, moves } = this;
    if (this.missing && !this.rejected) return [];
    return [{ ...base, image }, ...base.copies]
      .filter((one) => one.verdict !== verdict || one.reason !== reason || moves)
      .map((one) => ({ image: one.image, verdict, reason, label: moves, version: one.version }));
  }

  build(picture) {
    const tile = make("div", "tile");
    tile.id = `winnow-${this.image}`;
    tile.setAttribute("role", "option");
    tile.dataset.image = this.image;
    const frame = make("div", "frame");
    this.missing = !picture;
    frame.append(picture ?? make("span", "gone", "no picture on disk: reject it"), cross());
    this.chip = make("span", "chip");
    this.badge = make("span", "badge");
    frame.append(this.chip, this.badge);
    const look = make("button", "look-at", "⤢");
    look.tabIndex = -1;
    look.setAttribute("aria-hidden", "true");
    look.title = "Look closer (f)";
    frame.append(look);
    const caption = make("div", "caption");
    this.label = make("span", "label");
    const why = make("span", "why", this.base.why);
    why.title = this.base.why;
    caption.append(this.label, why);
    tile.append(frame, caption);
    this.element = tile;
    this.show();
    return tile;
  }

  show() {
    if (!this.element) return;
    const { label, verdict, why } = this.base;
    const rejected = this.rejected;
    const touched = this.draft !== null;
    this.element.classList.toggle("rejected", rejected);
    this.element.classList.toggle("kept", !rejected && verdict === "keep");
    const moves = this.moves || (rejected ? "" : this.base.moved); // to be stored, or just stored
    this.element.classList.toggle("moves", Boolean(moves));
    this.element.classList.toggle("other", Boolean(this.other));
    this.element.setAttribute("aria-selected", String(rejected));
    this.label.textContent = label;
    this.label.title = label;
    const state = rejected ? this.reason || "reject" : moves ? `→ ${moves}` : verdict === "keep" && !touched ? "kept" : "";
    this.chip.textContent = this.other ? `${this.other}: ${verdict}${this.base.reason ? `, ${this.base.reason}` : ""}` : state;
    this.chip.hidden = !this.chip.textContent;
    const copies = together(this.base.copies.length);
    this.badge.textContent = copies && `+${this.base.copies.length}`;
    this.badge.title = copies;
    this.badge.hidden = !copies;
    const said = rejected ? `rejected${this.reason ? `: ${this.reason}` : ""}` : verdict === "keep" ? "kept" : "";
    const to = moves && `will get the class ${moves}`;
    const parts = [label, why, said, to, copies, this.other && `decided meanwhile by ${this.other}`, this.missing && "no picture on disk"];
    this.element.setAttribute("aria-label", parts.filter(Boolean).join(", "));
  }
}
