// Two classes side by side, in the dialog of many.js: of each the pictures that look like the other. A press moves one over.

const MOVE = "move", THROW = "reject"; // what becomes of a marked picture; what is not marked stays undecided
const WRONG = "wrong class"; // a reason of core.model

class Sides {
  constructor(many) {
    Object.assign(this, { many, grid: many.grid });
    this.others = command("", "", () => this.commit(true), "plain");
    this.others.title = "Those that you did not mark are kept in their own class (k)";
    this.others.hidden = true;
  }

  get group() {
    return this.many.group;
  }

  // 0 left, 1 right
  side(i) {
    return i < this.group.left ? 0 : 1;
  }

  other(i) {
    return this.group.names[1 - this.side(i)];
  }

  fate(i) {
    return this.many.own.get(this.group.ids[i]);
  }

  marked(fate) {
    return this.group?.page?.state === "ready" ? this.group.ids.map((_, i) => i).filter((i) => this.fate(i) === fate) : [];
  }

  // What nobody can see is not decided on.
  rest() {
    return this.group?.page?.state === "ready" ? this.group.ids.map((_, i) => i).filter((i) => !this.fate(i) && this.group.page.images[i]) : [];
  }

  lay(tiles) {
    const { names, counts, left } = this.group;
    const both = make("div", "both");
    both.setAttribute("role", "presentation");
    for (const side of [0, 1]) {
      const column = make("section");
      column.setAttribute("role", "group");
      const head = make("h4");
      head.append(make("b", "", names[side]), make("span", "quiet",
        counts[side] ? `${counts[side]} ${counts[side] === 1 ? "looks" : "look"} like ${names[1 - side]}` : `none looks like ${names[1 - side]}`));
      const page = make("div", "page");
      page.setAttribute("role", "presentation");
      const own = side ? tiles.slice(left) : tiles.slice(0, left);
      page.append(...own);
      column.setAttribute("aria-label", head.textContent);
      column.append(head, page);
      if (own.length < counts[side]) column.append(make("p", "quiet", `The first ${own.length}; more come once these are decided.`));
      both.append(column);
    }
    return both;
  }

  draw() {
    const { many, group } = this;
    const [moves, throws, rest] = [this.marked(MOVE).length, this.marked(THROW).length, this.rest().length];
    const parts = [moves && `Move ${moves}`, throws && `${moves ? "r" : "R"}eject ${throws}`].filter(Boolean).join(", ");
    many.button.disabled = !parts;
    many.button.replaceChildren(make("span", "", parts || "Nothing is marked"), make("kbd", "", "Enter"));
    many.button.classList.toggle("bad", Boolean(throws && !moves));
    this.others.hidden = false;
    this.others.disabled = !rest;
    this.others.replaceChildren(make("span", "", parts ? `${parts}, keep the other ${rest}` : `Keep all ${rest}`), make("kbd", "", "k"));
    if (group && many.list.getAttribute("aria-busy") !== "true") many.tiles.forEach((tile, i) => this.mark(tile, i));
  }

  mark(tile, i) {
    const fate = this.fate(i);
    const said = fate === MOVE ? `→ ${this.other(i)}` : fate === THROW ? WRONG : "";
    tile.classList.toggle("goes", Boolean(fate));
    tile.classList.toggle("moves", fate === MOVE);
    tile.classList.toggle("rejected", fate === THROW);
    tile.classList.toggle("cursor", i === this.many.at);
    tile.setAttribute("aria-selected", String(Boolean(fate)));
    const will = fate === MOVE ? `moves to ${this.other(i)}` : fate === THROW ? `will be rejected: ${WRONG}` : "stays undecided";
    tile.setAttribute("aria-label", `${tile.facts}, ${will}`);
    const chip = tile.querySelector(".chip");
    chip.textContent = said;
    chip.hidden = !said;
    if (i === this.many.at) this.many.list.setAttribute("aria-activedescendant", tile.id);
  }

  flip(i, fate = MOVE) {
    const { many, group } = this;
    if (!many.painted || !group?.page.images[i]) return;
    if (this.fate(i) === fate) many.own.delete(group.ids[i]);
    else many.own.set(group.ids[i], fate);
    many.at = i;
    many.draw();
  }

  get columns() {
    const page = this.many.list.querySelector(".page:not(:empty)");
    return page ? getComputedStyle(page).gridTemplateColumns.split(" ").length : 1;
  }

  // Over the edge of a column an arrow goes to the same row of the other one.
  step(across, down) {
    if (!this.group) return;
    const { columns, many, group } = this;
    const first = [0, group.left], size = [group.left, group.ids.length - group.left];
    let side = this.side(many.at), k = many.at - first[side];
    const to = k % columns + across;
    if (down) k += k + down * columns >= 0 && k + down * columns < size[side] ? down * columns : 0;
    else if (to >= 0 && to < columns && k + across < size[side]) k += across;
    else if (side === (across > 0 ? 0 : 1) && size[1 - side]) {
      k = Math.min(k - k % columns + (across > 0 ? 0 : columns - 1), size[1 - side] - 1);
      side = 1 - side;
    }
    this.go(first[side] + k);
  }

  go(i) {
    if (!this.group) return;
    this.many.at = Math.max(0, Math.min(this.group.ids.length - 1, i));
    this.many.draw();
    this.many.reveal(this.many.at);
  }

  // `others`: the pictures that are not marked are kept where they are, in the same operation.
  commit(others = false) {
    const { many, group } = this;
    if (!many.painted || many.justPressed) return;
    const one = (i, verdict, reason, label) => ({ image: group.ids[i], verdict, reason, label, version: group.versions[i] });
    const moves = this.marked(MOVE).map((i) => one(i, "keep", "", this.other(i)));
    const throws = this.marked(THROW).map((i) => one(i, "reject", WRONG, ""));
    const keeps = others ? this.rest().map((i) => one(i, "keep", "", "")) : [];
    const said = [moves.length && `moved ${moves.length}`, throws.length && `rejected ${throws.length}`, keeps.length && `kept ${keeps.length}`];
    if (!said.some(Boolean)) return;
    group.ids.forEach((image) => many.passed.add(image)); // what is left of this pair comes last
    many.take([...moves, ...throws, ...keeps], said.filter(Boolean).join(", ").replace(/^./, (first) => first.toUpperCase()));
  }
}

function sidesActionOf(sides, key) {
  const { many } = sides;
  const name = key.length === 1 ? key.toLowerCase() : key;
  const does = {
    ArrowLeft: () => sides.step(-1, 0), ArrowRight: () => sides.step(1, 0), ArrowUp: () => sides.step(0, -1), ArrowDown: () => sides.step(0, 1),
    Home: () => sides.go(0), End: () => sides.go(Infinity), " ": () => sides.flip(many.at), x: () => sides.flip(many.at, THROW),
    Enter: () => sides.commit(), k: () => sides.commit(true), u: () => many.undo(), n: () => many.turn(1), p: () => many.turn(-1),
    "?": () => many.grid.view.help.showModal(),
  };
  return does[name] ?? (key.length === 1 ? () => {} : null);
}
