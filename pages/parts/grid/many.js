// Many pictures by one press: those that look like one, up to a border, or a stack of likely rejects that look alike. They
// are rejected, or given another class. Two classes side by side are in sides.js, in the same dialog.
// What is shown stays as it is until another question is asked: nothing moves under the hand of the reviewer.

const PAUSE = 600; // ms after a press that rejected many, in which another one belongs to the same press
const ANEW = 1500; // ms until pictures that did not arrive are asked for again
const FEW = 15; // pictures that there is room for to be larger
const MODES = {
  alike: {
    title: (to) => (to ? `Give all like this the class ${to}` : "Reject all like this"),
    about: (fate) => `What comes before the border ${fate}. Move the border, or press a picture before it to keep it as it is.`,
    list: "Pictures that look alike; selected ones are what the button below is about",
    keys: "Arrows move the border; with Shift they choose a picture, x keeps it; r chooses what becomes of them",
  },
  stacks: {
    title: () => "Likely rejects",
    about: (fate) => `These look alike, and each of them ${fate}. Press a picture to keep it as it is, or move the border.`,
    list: "Pictures that look alike; selected ones are what the button below is about",
    keys: "Arrows move the border; with Shift they choose a picture, x keeps it; r chooses what becomes of them",
    none: ["There is no stack of likely rejects now.", "Store a page or two: Winnow learns from each."],
  },
  pairs: {
    title: () => "Two classes side by side",
    about: () => "Left and right are the pictures that look like the other class. Press one to move it over. What you leave alone stays undecided.",
    list: "Pictures of two classes; selected ones are moved to the other class or rejected",
    keys: "Arrows choose a picture; Space moves it over, x rejects it as a wrong class",
    none: ["No picture here looks more like another class.", "This is known once the pictures were cleaned: then those that wait for a decision are shown here."],
  },
};

class Many {
  constructor(grid) {
    Object.assign(this, { grid, mode: "", ask: 0, answered: true, group: null, stacks: [], passed: new Set(), pressed: 0, to: "" });
    this.sides = new Sides(this);
    this.dialog = make("dialog", "many");
    this.dialog.append(this.head(), this.body(), this.foot());
    this.dialog.addEventListener("close", () => this.left());
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("mousedown", (event) => event.target.closest("button, .tile") && event.preventDefault()); // the keys stay
  }

  head() {
    this.title = make("h3");
    this.place = make("span", "quiet");
    this.turns = make("div", "group");
    const buttons = [["‹", -1, "The one before (p)"], ["›", 1, "The next one (n); nothing is stored"]].map(([sign, by, title]) => {
      const button = command(sign, "", () => this.turn(by), "plain");
      button.title = title;
      button.setAttribute("aria-label", title);
      return button;
    });
    this.turns.append(...buttons);
    const close = make("button", "plain close", "✕");
    close.title = "Close (Esc)";
    close.onclick = () => this.dialog.close();
    this.about = make("p", "quiet");
    this.range = make("input");
    Object.assign(this.range, { type: "range", min: 1, step: 1 });
    this.range.setAttribute("aria-label", "Border: what comes before it is chosen");
    this.range.oninput = () => this.moveBorder(Number(this.range.value));
    this.range.onpointerup = () => this.rest();
    this.output = make("output");
    this.line = make("label", "line");
    this.line.append("Border", this.range, this.output);
    const head = make("div", "many-head");
    const top = make("div", "many-top");
    top.append(this.title, this.place, this.turns);
    head.append(top, close, this.about, this.line);
    return head;
  }

  body() {
    this.list = make("div", "many-list");
    this.list.tabIndex = 0;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-multiselectable", "true");
    this.list.addEventListener("click", (event) => this.onPress(event));
    return this.list;
  }

  foot() {
    this.fate = make("select", "fate");
    this.fate.setAttribute("aria-label", "What becomes of those before the border");
    this.fate.onchange = () => this.give(this.fate.value);
    this.fate.onkeydown = (event) => event.key === "Enter" && (event.preventDefault(), this.rest());
    this.chips = make("div", "reasons");
    this.said = make("p", "said");
    this.said.setAttribute("role", "status");
    this.keys = make("span", "quiet key-line");
    this.cancel = command("", "", () => this.dialog.close(), "plain");
    this.back = command("Undo", "u", () => this.undo(), "plain");
    this.button = command("", "", () => this.commit(), "commit reject-many");
    const actions = make("div", "actions");
    actions.append(this.said, this.keys, this.cancel, this.back, this.sides.others, this.button);
    const foot = make("div", "many-foot");
    foot.append(this.fate, this.chips, actions);
    return foot;
  }

  // What is asked -------------------------------------------------------------------------------------------------

  get open() {
    return this.dialog.open;
  }

  get waits() {
    return this.open && !this.answered;
  }

  get justPressed() {
    return Date.now() - this.pressed < PAUSE;
  }

  // The part of each message that says what is wanted here.
  wish() {
    const mode = this.open ? this.mode : "";
    return { ask: this.ask, alike: mode === "alike" ? this.image : null, stacks: mode === "stacks", pairs: mode === "pairs" };
  }

  like(tile) {
    if (this.grid.look.open) this.grid.look.dialog.close();
    this.image = tile.image;
    this.begin("alike", tile.reason);
  }

  pile() {
    this.begin("stacks");
  }

  sideBySide() {
    this.begin("pairs");
  }

  begin(mode, reason = "") {
    Object.assign(this, { mode, reason, to: "", group: null, stacks: [], passed: new Set(), pressed: 0 });
    this.list.setAttribute("aria-label", MODES[mode].list);
    this.cancel.textContent = mode === "alike" ? "Cancel" : "Close";
    this.turns.hidden = this.back.hidden = mode === "alike";
    this.keys.textContent = MODES[mode].keys;
    this.line.hidden = this.fate.hidden = mode === "pairs";
    this.sides.others.hidden = mode !== "pairs";
    this.said.textContent = "";
    if (!this.open) this.dialog.showModal();
    this.wait();
    this.rest();
    this.again();
  }

  again() {
    this.ask = Math.max(this.ask + 1, Date.now());
    this.answered = false;
    this.grid.say();
  }

  left() {
    this.free();
    Object.assign(this, { group: null, stacks: [], answered: true });
    this.list.replaceChildren();
    this.grid.view.list.focus({ preventScroll: true });
    this.grid.say();
  }

  free() {
    for (const group of [this.group, ...this.stacks]) group?.page?.free();
  }

  rest() {
    this.list.focus({ preventScroll: true });
  }

  // What the server says: {asked, alike: {image, ids, ...}}, {asked, stacks: [{ids, ...}, ...]}, or pairs as stacks
  fill({ asked, alike, stacks, pairs }) {
    if (!this.waits || asked !== this.ask) return;
    this.answered = true;
    if (stacks ?? pairs) this.pileUp(stacks ?? pairs);
    else if (alike) this.present(alike);
    else this.nothing("This picture is not there any more.", "Look from the top again.");
  }

  // The stack on the screen stays there, what was passed over comes last.
  pileUp(found) {
    const here = new Set(this.group?.ids ?? []);
    const passed = (stack) => stack.ids.some((image) => this.passed.has(image));
    const others = found.filter((stack) => !stack.ids.some((image) => here.has(image)));
    this.stacks.forEach((stack) => stack !== this.group && stack.page?.free());
    this.stacks = [...(this.group ? [this.group] : []), ...others.filter((one) => !passed(one)), ...others.filter(passed)];
    if (this.group) this.prepare();
    else if (this.stacks.length) this.present(this.stacks[0]);
    else this.nothing(...MODES[this.mode].none);
    this.draw();
  }

  // On the screen -------------------------------------------------------------------------------------------------

  wait() {
    Object.assign(this, { group: null, painted: false });
    this.list.setAttribute("aria-busy", "true");
    const page = make("div", "page waiting");
    page.append(...Array.from({ length: 18 }, () => make("div", "blank")));
    this.list.replaceChildren(page);
    this.draw();
  }

  nothing(text, more) {
    const panel = make("div", "finish");
    panel.append(make("h3", "", text), make("p", "", more));
    this.group = null;
    this.list.removeAttribute("aria-busy");
    this.list.replaceChildren(panel);
  }

  async present(group) {
    this.wait();
    this.offerFates(group);
    this.reason ||= group.reason ?? ""; // the likely one: the chip shows it, its key takes it off
    Object.assign(this, { group, own: new Map(), at: this.mode === "pairs" ? 0 : null, border: group.border ?? group.ids.length });
    this.draw();
    if (!(await this.load(group)) || this.group !== group) return;
    this.tiles = group.ids.map((image, i) => this.build(i));
    const page = this.mode === "pairs" ? this.sides.lay(this.tiles) : this.lay();
    if (group.note) page.append(make("p", "quiet alone", group.note));
    this.list.removeAttribute("aria-busy");
    this.list.replaceChildren(page);
    this.list.scrollTop = 0;
    this.draw();
    // As in the grid: what was not on the screen yet cannot be stored.
    requestAnimationFrame(() => setTimeout(() => {
      this.painted = this.list.firstElementChild === page;
      if (this.painted) this.list.dataset.painted = group.ids[0];
    }));
    this.prepare();
  }

  lay() {
    const page = make("div", "page");
    page.classList.toggle("few", this.tiles.length <= FEW);
    page.setAttribute("role", "presentation");
    page.append(...this.tiles);
    return page;
  }

  // True once the pictures are decoded.
  async load(group) {
    group.page ??= Object.assign(new Page(0), { pack: group.pack });
    try {
      group.loading ??= group.page.load();
      await group.loading;
      return group.page.state === "ready";
    } catch {
      group.loading = null;
      if (this.group !== group) return false;
      this.said.textContent = "The pictures did not arrive; trying again.";
      setTimeout(() => this.open && this.group === group && (this.wait(), this.again()), ANEW); // a fresh address
      return false;
    }
  }

  // The next stack's pictures, so that it is there at once.
  prepare() {
    const next = this.stacks[this.stacks.indexOf(this.group) + 1];
    if (this.mode !== "alike" && next) this.load(next);
  }

  build(i) {
    const { ids, labels, chances, likeness, why } = this.group;
    const picture = this.group.page.images[i];
    const tile = make("div", "tile");
    tile.id = `winnow-many-${ids[i]}`;
    tile.setAttribute("role", "option");
    Object.assign(tile.dataset, { image: ids[i], at: i });
    const frame = make("div", "frame");
    frame.append(picture ?? make("span", "gone", "no picture on disk"), make("span", "chip"));
    const here = make("button", "to-here", why ? "reject" : "up to here");
    here.tabIndex = -1;
    here.setAttribute("aria-hidden", "true");
    frame.append(here);
    const caption = make("div", "caption");
    const chance = why ? why[i] : chances.length ? `${Math.round(100 * chances[i])} % bad` : "";
    caption.append(make("span", "label", labels[i]), make("span", "why", chance));
    const facts = [labels[i], why?.[i], chances.length && `${Math.round(100 * chances[i])} % likely bad`,
      i && likeness && `likeness ${likeness[i].toFixed(2)} of 1`].filter(Boolean).join(", ");
    caption.title = facts;
    tile.append(frame, caption);
    tile.facts = facts;
    return tile;
  }

  // Whether a picture goes: as it was pressed, else by the border. What nobody can see stays.
  goes(i) {
    const { ids, rejected, page } = this.group;
    if (i === 0 && rejected) return false;
    return this.own.get(ids[i]) ?? (i < this.border && Boolean(page?.images?.[i]));
  }

  chosen() {
    return this.group?.page?.state === "ready" ? this.group.ids.map((_, i) => i).filter((i) => this.goes(i)) : [];
  }

  // Whoever takes a picture out of a heap of rejects has looked at it: it is kept, which teaches as much. What lies behind
  // the border nobody had to look at.
  spared() {
    if (this.group?.page?.state !== "ready") return [];
    const { ids, page } = this.group;
    return ids.map((_, i) => i).filter((i) => i < this.border && this.own.get(ids[i]) === false && page.images[i]);
  }

  draw() {
    const { group, mode, to } = this;
    this.title.textContent = MODES[mode].title(to);
    this.dialog.setAttribute("aria-label", mode === "stacks" ? "Stacks of likely rejects" : this.title.textContent);
    this.about.textContent = MODES[mode].about(to ? `gets the class ${to}, and is kept` : "will be rejected");
    this.dialog.classList.toggle("moving", mode === "pairs" || Boolean(to));
    const turned = this.stacks.indexOf(group);
    this.place.textContent = mode !== "alike" && turned >= 0 ? `${mode === "pairs" ? "pair" : "stack"} ${turned + 1} of ${this.stacks.length}` : "";
    this.turns.firstChild.disabled = turned <= 0;
    this.turns.lastChild.disabled = turned < 0 || turned + 1 >= this.stacks.length;
    this.chips.hidden = mode === "pairs" || Boolean(to);
    if (mode === "pairs") return this.sides.draw();
    const [count, kept] = [this.chosen().length, this.spared().length];
    const all = group?.ids.length ?? 1;
    Object.assign(this.range, { max: all, value: this.border ?? 1, disabled: !group });
    this.range.value = this.border ?? 1; // after max
    this.output.textContent = group ? `first ${this.border} of ${all}` : "";
    this.line.classList.toggle("idle", !group || all < 2);
    this.button.disabled = !count;
    const does = to ? "Move" : "Reject";
    const as = !to && this.reason ? `: ${this.reason}` : "";
    this.button.replaceChildren(make("span", "", group ? `${does} ${count}${kept ? `, keep ${kept}` : ""}${as}` : does), make("kbd", "", "Enter"));
    this.button.classList.remove("bad");
    this.offer();
    return group && this.list.getAttribute("aria-busy") !== "true" && this.tiles.forEach((tile, i) => this.mark(tile, i));
  }

  mark(tile, i) {
    const goes = this.goes(i);
    const alone = this.own.has(this.group.ids[i]) && goes !== i < this.border;
    const itself = this.mode === "alike" && i === 0;
    const said = itself ? (this.group.rejected ? "this one, rejected" : goes ? "this one" : "this one, keep") : alone ? (goes ? "also" : "keep") : "";
    const will = !goes ? "stays" : this.to ? `gets the class ${this.to}` : "will be rejected";
    tile.classList.toggle("goes", goes);
    tile.classList.toggle("left-out", !goes && i < this.border);
    tile.classList.toggle("border", i === this.border - 1);
    tile.classList.toggle("cursor", i === this.at);
    tile.setAttribute("aria-selected", String(goes));
    tile.setAttribute("aria-label", [tile.facts, said, will].filter(Boolean).join(", "));
    const chip = tile.querySelector(".chip");
    chip.textContent = said;
    chip.hidden = !said;
    if (i === (this.at ?? this.border - 1)) this.list.setAttribute("aria-activedescendant", tile.id);
  }

  // The reasons on the keys 1..9: one for all of them, or none.
  offer() {
    const { reasons } = this.grid;
    if (!reasons) return;
    if (this.chips.childElementCount !== reasons.length + 1) {
      this.chips.replaceChildren(make("span", "quiet", "Reason, if you like"), ...reasons.map((reason, i) => {
        const chip = command("", "", () => this.because(reason), "chip-button");
        chip.append(make("kbd", "", String(i + 1)), reason);
        return chip;
      }));
    }
    [...this.chips.children].slice(1).forEach((chip, i) => chip.setAttribute("aria-pressed", String(reasons[i] === this.reason)));
  }

  // What may become of them: rejected, or of a class, the likeliest first.
  offerFates({ guess = [] }) {
    const classes = guess.map(([name, chance]) => {
      const likely = chance >= 0.1 ? `, looks ${Math.round(100 * chance)} % like it` : "";
      const option = make("option", "", `Give them the class ${name}${likely}`);
      option.value = name;
      return option;
    });
    const reject = make("option", "", "Reject them");
    reject.value = "";
    this.fate.replaceChildren(reject, ...(classes.length > 1 ? classes : []));
    this.fate.value = this.to;
  }

  // What the reviewer does ----------------------------------------------------------------------------------------

  get columns() {
    const page = this.list.firstElementChild;
    return page ? getComputedStyle(page).gridTemplateColumns.split(" ").length : 1;
  }

  onPress(event) {
    const tile = event.target.closest(".tile");
    if (!tile || !this.group) return;
    const at = Number(tile.dataset.at);
    if (this.mode === "pairs") this.sides.flip(at, event.target.closest(".to-here") ? THROW : MOVE);
    else if (event.target.closest(".to-here")) this.moveBorder(at + 1);
    else this.flip(at);
  }

  moveBorder(to) {
    if (!this.group) return;
    this.border = Math.max(1, Math.min(this.group.ids.length, to));
    this.at = null;
    this.draw();
    this.reveal(this.border - 1);
  }

  choose(by) {
    if (!this.group) return;
    const to = (this.at ?? this.border - 1) + by;
    this.at = Math.max(0, Math.min(this.group.ids.length - 1, to));
    this.draw();
    this.reveal(this.at);
  }

  reveal(i) {
    this.tiles?.[i]?.scrollIntoView({ block: "nearest" });
  }

  // One picture against the border; without a cursor the last one before it.
  flip(i) {
    if (!this.painted || !this.group) return;
    const at = i ?? this.border - 1;
    const image = this.group.ids[at];
    const goes = !this.goes(at);
    if (at === 0 && this.group.rejected) return;
    if (goes === at < this.border && this.group.page.images[at]) this.own.delete(image);
    else this.own.set(image, goes);
    if (i !== null) this.at = at;
    this.draw();
  }

  give(label) {
    if (this.group) this.to = label;
    this.draw();
    this.rest(); // the keys mean the pictures again
  }

  because(reason) {
    if (!reason) return;
    this.reason = this.reason === reason ? "" : reason;
    this.draw();
  }

  commit() {
    if (this.mode === "pairs") return this.sides.commit();
    if (!this.painted || this.justPressed) return;
    const { group: { ids, versions }, to } = this;
    const decide = (verdict, reason, label) => (i) => ({ image: ids[i], verdict, reason, label, version: versions[i] });
    // Whoever says that all of these are of a class has looked at those that are of it already, too: they are kept.
    const gone = this.chosen().map(to ? decide("keep", "", to) : decide("reject", this.reason, ""));
    const keeps = this.spared().map(decide("keep", "", ""));
    if (!gone.length) return;
    const said = `${to ? "Moved" : "Rejected"} ${many(gone.length, "picture")}${to ? ` to ${to}` : ""}`;
    this.take([...gone, ...keeps], keeps.length ? `${said}, kept ${keeps.length}` : said);
  }

  // One operation, whatever it is made of.
  take(decisions, said) {
    this.pressed = Date.now();
    this.grid.store(null, decisions);
    this.grid.refresh();
    if (this.mode === "alike") this.dialog.close(); // which says it to the server
    else this.following();
    this.grid.view.note(`${said}. Undo (u) takes ${decisions.length === 1 ? "it" : "them"} back.`);
  }

  // The next stack comes at once, and those behind it as they are after what was just learned.
  following() {
    const at = this.stacks.indexOf(this.group);
    this.group.page.free();
    this.stacks.splice(at, 1);
    this.reason = this.to = "";
    const next = this.stacks[Math.min(at, this.stacks.length - 1)];
    if (next) this.present(next);
    else this.wait();
    this.again();
  }

  turn(by) {
    const next = this.mode !== "alike" && this.stacks[this.stacks.indexOf(this.group) + by];
    if (!next || !this.group) return;
    if (by > 0) this.group.ids.forEach((image) => this.passed.add(image));
    this.said.textContent = "";
    this.reason = this.to = "";
    this.present(next);
  }

  // Only what was chosen here: the pages behind are not in sight.
  undo() {
    if (this.mode === "alike") return;
    if (this.grid.stack.at(-1)?.page !== null) {
      this.said.textContent = "There is nothing to undo here.";
      return;
    }
    this.free();
    this.stacks = [];
    this.wait();
    this.grid.undo();
    this.again();
  }
}
