// What is on the screen: the head with place and counts, the list of tiles, the command bar, the list of keys.

const SIZES = { from: 90, to: 320, first: 156 }; // px, width of a tile
const SIZE_KEY = "winnow:tile";

function command(text, key, action, className = "") {
  const button = make("button", className, text);
  if (key) button.append(make("kbd", "", key));
  button.type = "button";
  button.onclick = action;
  return button;
}

function many(count, one, more = `${one}s`) {
  return `${count.toLocaleString()} ${count === 1 ? one : more}`;
}

class View {
  constructor(root, grid) {
    Object.assign(this, { root, grid });
    this.list = make("div", "list");
    this.list.tabIndex = 0;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-multiselectable", "true");
    this.list.setAttribute("aria-label", "Pictures of this page; selected ones will be rejected");
    this.live = make("div", "note");
    this.live.setAttribute("role", "status");
    this.live.setAttribute("aria-live", "polite");
    this.warning = make("div", "warning");
    this.warning.setAttribute("role", "alert");
    this.warning.hidden = true;
    root.replaceChildren(this.head(), this.warning, this.list, this.bar(), this.keys());
    listenToPointer(this.list, grid);
    this.observer = new ResizeObserver(() => this.underHeader());
    this.observer.observe(this.list);
  }

  destroy() {
    this.observer.disconnect();
    clearTimeout(this.fading);
  }

  head() {
    this.place = make("strong", "place");
    this.left = make("span", "left");
    this.stored = make("span", "stored");
    this.meter = make("div", "meter");
    this.meter.append(make("div"));
    const size = make("input");
    const initial = Number(stored(localStorage, SIZE_KEY)) || SIZES.first;
    Object.assign(size, { type: "range", min: SIZES.from, max: SIZES.to, step: 2, value: initial, title: "Size of the pictures" });
    size.setAttribute("aria-label", "Size of the pictures");
    size.oninput = () => this.resize(Number(size.value));
    this.resize(initial);
    const tools = make("div", "tools");
    this.piles = command("", "", () => this.grid.many.pile(), "plain piles");
    this.piles.title = "Pictures that are likely bad and look alike, to be rejected by one press (s)";
    this.sides = command("Side by side", "v", () => this.grid.many.sideBySide(), "plain beside");
    this.sides.title = "Two classes side by side: the pictures of each that look like the other (v)";
    const help = command("Keys", "?", () => this.help.showModal(), "plain");
    tools.append(make("span", "small-picture"), size, make("span", "large-picture"), help);
    const head = make("div", "head");
    head.append(this.place, this.left, this.stored, this.piles, this.sides, tools, this.meter);
    return head;
  }

  bar() {
    const grid = this.grid;
    this.reasonStrip = make("div", "reasons");
    this.reasonStrip.setAttribute("aria-label", "Reject with a reason");
    const pages = make("div", "group");
    this.back = command("‹", "", () => grid.go(grid.cursor - 1), "plain");
    this.back.title = "Page before (p); nothing is stored";
    this.next = command("›", "", () => grid.go(grid.cursor + 1), "plain");
    this.next.title = "Page after (n); nothing is stored";
    for (const [button, name] of [[this.back, "Page before"], [this.next, "Page after"]]) button.setAttribute("aria-label", name);
    pages.append(this.back, this.next);
    const marks = make("div", "group");
    marks.append(command("All", "a", () => grid.all(true), "plain"), command("None", "k", () => grid.all(false), "plain"),
      command("Invert", "i", () => grid.invert(), "plain"));
    const look = command("Look", "f", () => grid.tile() && grid.look.show(), "plain");
    const alike = command("All like this", "l", () => grid.alike(), "plain");
    alike.title = "Reject what looks like this picture (l)";
    const undo = command("Undo", "u", () => grid.undo(), "plain undo");
    this.commit = command("", "", () => grid.commit(), "commit");
    const actions = make("div", "actions");
    actions.append(pages, marks, look, alike, undo, this.commit);
    const bar = make("div", "bar");
    bar.append(this.reasonStrip, actions, this.live);
    bar.addEventListener("mousedown", (event) => event.preventDefault()); // a press leaves the keys with the pictures: Enter stores
    return bar;
  }

  keys() {
    this.help = make("dialog", "help");
    this.help.setAttribute("aria-label", "Keys");
    const table = make("dl");
    for (const [keys, does] of KEYS) table.append(make("dt", "", keys), make("dd", "", does));
    const close = make("button", "plain close", "✕");
    close.title = "Close (Esc)";
    close.onclick = () => this.help.close();
    this.help.append(close, make("h3", "", "Keys"), table);
    this.help.addEventListener("click", (event) => event.target === this.help && this.help.close());
    return this.help;
  }

  // The reasons, as chips on the keys 1..9.
  offer({ reasons }) {
    if (this.offered === reasons.join()) return;
    this.offered = reasons.join();
    this.reasonStrip.replaceChildren(make("span", "quiet", "Reject as"),
      ...reasons.map((reason, i) => {
        const chip = command("", "", () => this.grid.reject(reason), "chip-button");
        chip.append(make("kbd", "", String(i + 1)), reason);
        return chip;
      }));
  }

  resize(size) {
    this.root.style.setProperty("--tile", `${size}px`);
    this.root.classList.toggle("tiny", size < 120);
    try {
      localStorage.setItem(SIZE_KEY, JSON.stringify(size));
    } catch {
      // the size is then chosen again next time
    }
  }

  // Streamlit's header lies over the page: clear on a wide window, with a ground of its own on a narrow one.
  underHeader() {
    const header = document.querySelector("[data-testid=stHeader]");
    const clear = !header || /^(transparent|rgba\(.*, 0\))$/.test(getComputedStyle(header).backgroundColor);
    this.root.style.setProperty("--header", clear ? "0px" : `${header.offsetHeight}px`);
  }

  get columns() {
    const page = this.list.firstElementChild;
    return page ? getComputedStyle(page).gridTemplateColumns.split(" ").length : 1;
  }

  // Pages ---------------------------------------------------------------------------------------------------------

  build(page) {
    page.element = make("div", "page");
    page.element.setAttribute("role", "presentation");
    page.element.append(...page.tiles.map((tile, i) => tile.build(page.images[i])));
  }

  present(page) {
    this.top(); // before the change: the layout is known, asking for it costs nothing
    this.list.replaceChildren(page.element);
    this.list.style.minHeight = "";
    this.list.removeAttribute("aria-busy");
    page.painted = false;
    // A frame and then a task: by then the page has really been on the screen. A hidden tab paints nothing.
    requestAnimationFrame(() => setTimeout(() => {
      page.painted = this.list.firstElementChild === page.element;
      if (!page.painted) return;
      this.list.dataset.painted = page.number;
      this.ahead();
      this.grid.teach();
    }));
    this.grab();
  }

  // Which choice of the page behind this one lies ready.
  ahead() {
    const page = this.grid.pages.get(this.grid.cursor + 1);
    if (page?.state === "ready") this.list.dataset.next = page.choice;
    else delete this.list.dataset.next;
  }

  wait() {
    if (this.list.firstElementChild?.classList.contains("waiting")) return;
    this.list.style.minHeight = `${this.list.offsetHeight}px`;
    this.list.setAttribute("aria-busy", "true");
    const page = make("div", "page waiting");
    page.append(...Array.from({ length: 24 }, () => make("div", "blank")));
    this.list.replaceChildren(page);
  }

  finish({ empty, left, kept, rejected }) {
    const panel = make("div", "finish");
    panel.append(make("h3", "", empty || "That was the last page."));
    if (!empty) panel.append(make("p", "", `${many(kept, "picture")} kept, ${many(rejected, "rejected", "rejected")}.`));
    if (left) {
      panel.append(make("p", "", `${many(left, "picture")} here ${left === 1 ? "is" : "are"} not decided yet.`));
    }
    if (!empty || left) panel.append(command("Look from the top again", "", () => this.grid.say({ fresh: true }), "commit"));
    this.list.style.minHeight = "";
    this.list.replaceChildren(panel);
    this.list.removeAttribute("aria-busy");
    this.grab();
  }

  // After a page turn the first row must be in sight, under whatever sticks above it.
  top() {
    const head = this.root.firstElementChild.getBoundingClientRect();
    if (this.list.getBoundingClientRect().top < head.bottom - 1) this.root.scrollIntoView({ block: "start" });
  }

  // The keys belong to the list unless somebody types elsewhere.
  grab() {
    const active = document.activeElement;
    const free = active === document.body || active === this.grid.host.host || active?.matches("a");
    const taken = this.grid.host.activeElement === this.list || this.root.querySelector("dialog[open]");
    if (free && !taken) this.list.focus({ preventScroll: true });
  }

  // Whoever has just chosen a filter wants to see what it shows; "/" goes back to the filters.
  take() {
    if (document.activeElement?.closest(this.grid.data.filters)) this.list.focus({ preventScroll: true });
    else this.grab();
  }

  reveal(tile) {
    tile?.element?.scrollIntoView({ block: "nearest" });
  }

  // Cursor and counts ---------------------------------------------------------------------------------------------

  cursor() {
    const chosen = new Set(this.grid.chosen());
    for (const tile of this.lit ?? []) if (!chosen.has(tile)) tile.element?.classList.remove("ranged");
    if (chosen.size > 1) chosen.forEach((tile) => tile.element?.classList.add("ranged"));
    else chosen.forEach((tile) => tile.element?.classList.remove("ranged"));
    this.lit = chosen;
    const tile = this.grid.tile();
    if (this.current !== tile) this.current?.element?.classList.remove("cursor");
    this.current = tile;
    if (!tile) return this.list.removeAttribute("aria-activedescendant");
    tile.element.classList.add("cursor");
    return this.list.setAttribute("aria-activedescendant", tile.element.id);
  }

  status() {
    const { grid } = this;
    const { data, shown } = grid;
    const pictures = (tiles) => tiles.reduce((sum, tile) => sum + tile.images.length, 0);
    const rejected = shown ? pictures(shown.tiles.filter((tile) => tile.rejected)) : 0;
    const moved = shown ? pictures(shown.tiles.filter((tile) => tile.moves)) : 0;
    const count = shown ? pictures(shown.tiles) : 0;
    const atEnd = grid.end !== null && grid.cursor >= grid.end;
    this.place.textContent = atEnd ? "The end" : `Page ${grid.cursor + 1}`;
    const also = data.shared ? ", also on somebody else's screen" : "";
    this.left.textContent = `${many(data.left, "picture")} undecided of ${data.total.toLocaleString()}${also}`;
    const done = data.total ? (data.total - data.left) / data.total : 0;
    this.meter.firstChild.style.width = `${100 * done}%`;
    this.piles.hidden = !data.stacked;
    this.piles.replaceChildren(make("span", "", `Stacks (${data.stacked})`), make("kbd", "", "s"));
    this.piles.setAttribute("aria-label", `Stacks of likely rejects (${data.stacked})`);
    this.sides.hidden = grid.classes.length < 2;
    this.back.disabled = grid.cursor === 0;
    this.next.disabled = atEnd;
    this.commit.disabled = !shown;
    this.commit.replaceChildren(make("span", "", shown ? `Keep ${count - rejected}${moved ? ` (${moved} moved)` : ""}, reject ${rejected}` : "Store"), make("kbd", "", "Enter"));
    this.saved();
  }

  saved() {
    const waiting = this.grid.waiting();
    const late = waiting && Date.now() - (this.grid.outbox.items[0].at ?? 0) > 8000;
    this.stored.className = `stored ${waiting ? (late ? "late" : "busy") : ""}`;
    const kept = this.grid.outbox.kept ? "kept in this browser until the server answers" : "keep this tab open until the server answers";
    this.stored.textContent = !waiting ? "✓ all stored" : late ? `${many(waiting, "step")} waiting: ${kept}` : "storing…";
  }

  note(text) {
    this.over(text);
    this.live.replaceChildren(make("span", "", text));
    this.live.classList.add("seen");
    clearTimeout(this.fading);
    this.fading = setTimeout(() => this.live.classList.remove("seen"), 3500);
  }

  // What lies behind a dialog is neither seen nor read out.
  over(text) {
    for (const view of [this.grid.look, this.grid.many]) if (view?.open) view.said.textContent = text;
  }

  warn(text, show = null) {
    this.over(text);
    const close = make("button", "plain", "✕");
    close.setAttribute("aria-label", "Close this message");
    close.onclick = () => (this.warning.hidden = true);
    this.warning.replaceChildren(make("span", "", text));
    if (show) this.warning.append(command("Show", "", () => { this.warning.hidden = true; show(); }, "plain"));
    this.warning.append(close);
    this.warning.hidden = false;
  }
}
