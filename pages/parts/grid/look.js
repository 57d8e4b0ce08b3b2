// The large view: one picture, where it came from, what was decided on it, and its class.

// A link where the address is http(s), plain text where it is anything else (javascript:, data:, a local path).
function linkOrText(address, text = address) {
  let safe = false;
  try {
    safe = ["http:", "https:"].includes(new URL(address).protocol);
  } catch {
    // no address: shown as text
  }
  if (!safe) return make("span", "", text || address);
  const link = make("a", "", text || address);
  link.href = address;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  link.referrerPolicy = "no-referrer";
  return link;
}

class Look {
  constructor(grid) {
    this.grid = grid;
    this.dialog = make("dialog", "look");
    this.dialog.setAttribute("aria-label", "Large view");
    this.picture = make("div", "picture");
    this.picture.tabIndex = -1; // where the keys rest: Enter and Space press nothing there
    this.holder = make("div", "holder");
    this.facts = make("div", "facts");
    this.close = make("button", "plain close", "✕");
    this.close.title = "Close (Esc)";
    this.close.onclick = () => this.dialog.close();
    this.title = make("h3");
    this.state = make("p", "state");
    this.select = make("select");
    this.select.onchange = () => {
      this.grid.relabel(this.select.value);
      this.toggle.focus({ focusVisible: false }); // so that the keys mean the picture again
    };
    const alike = command("Reject all like this", "l", () => this.grid.alike(), "plain");
    const label = make("label", "relabel", "Class ");
    label.append(this.select);
    this.more = make("div", "more");
    const buttons = make("div", "buttons");
    this.toggle = make("button", "plain", "Reject");
    this.toggle.onclick = () => this.grid.toggle();
    const back = make("button", "plain", "← Before");
    back.onclick = () => this.grid.move(this.grid.at - 1);
    const next = make("button", "plain", "Next →");
    next.onclick = () => this.grid.move(this.grid.at + 1);
    buttons.append(back, this.toggle, next, alike);
    this.said = make("p", "said");
    this.said.setAttribute("role", "status");
    this.copies = make("section", "copies");
    this.crop = new Crop(this);
    this.picture.append(this.holder, this.crop.stage);
    this.facts.append(this.close, this.title, this.state, buttons, label, this.copies, this.crop.panel, this.said, this.more);
    this.dialog.append(this.picture, this.facts);
    this.dialog.addEventListener("close", () => this.left());
    this.dialog.addEventListener("cancel", (event) => this.keep(event));
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && !this.crop.changing && this.dialog.close());
  }

  left() {
    this.apart();
    this.crop.forget();
    this.grid.view.list.focus({ preventScroll: true });
  }

  // Esc, and a telephone's "back", give up a crop before they close the view.
  keep(event) {
    if (!this.crop.changing) return;
    event.preventDefault();
    this.crop.cancel();
  }

  rest() {
    this.picture.focus({ preventScroll: true });
  }

  get open() {
    return this.dialog.open;
  }

  show(relabel = false) {
    const tile = this.grid.tile();
    if (!tile) return;
    if (!this.dialog.open) this.dialog.showModal();
    this.image = tile.image;
    this.missing = tile.missing;
    this.facts.scrollTop = 0;
    this.said.textContent = "";
    this.apart();
    this.crop.forget();
    const small = tile.element?.querySelector("img");
    this.enlarge(`${this.grid.shown.pack}&large=${tile.image}`, tile.image);
    const placeholder = small ? small.cloneNode() : make("span", "gone", "no picture on disk");
    this.holder.replaceChildren(placeholder);
    this.more.replaceChildren(make("p", "quiet", "Reading where it came from…"));
    this.refresh();
    const { look } = this.grid.data; // opened again: an answer like the last one does not come a second time
    if (look?.image === tile.image) this.fill(look);
    this.grid.say(); // what the server knows of it comes with the answer
    if (relabel) this.select.focus();
    else this.close.focus({ focusVisible: false });
  }

  // `image`: the one that is wanted, the tile's own or a copy of it; another one may be by the time this has arrived.
  enlarge(address, image) {
    const large = new Image();
    large.alt = this.grid.tile().base.label;
    large.draggable = false;
    this.wanted = image;
    large.onload = () => this.wanted === image && this.holder.replaceChildren(large);
    large.src = address;
  }

  // Copies: one picture is in the place of the other, the decision stays that of all -----------------------------------

  // No copies any more, or not yet.
  apart() {
    this.strip?.free();
    Object.assign(this, { strip: null, listed: "" });
    this.copies.replaceChildren();
    this.dialog.classList.remove("of-copy");
  }

  // {ids, sizes, origins, pack}, the tile itself first
  async list(known) {
    const listed = JSON.stringify(known?.ids ?? []);
    if (this.listed === listed) return; // said again every few seconds
    if (this.wanted !== this.image) this.enlarge(`${this.grid.shown.pack}&large=${this.image}`, this.image);
    this.apart();
    this.listed = listed;
    if (!known) return;
    const strip = Object.assign(new Page(0), { pack: known.pack });
    this.strip = strip;
    const count = known.ids.length - 1;
    const row = make("div", "strip");
    const about = make("p", "quiet", "What you decide holds for all of them, and so does another class. A crop is this picture's own.");
    this.copies.append(make("h4", "", `${count} ${count === 1 ? "copy" : "copies"} more of this photo`), row, about);
    const buttons = known.ids.map((image, i) => {
      const size = known.sizes[i].join(" × ");
      const button = make("button", "copy");
      button.setAttribute("aria-pressed", String(image === this.image));
      button.setAttribute("aria-label", i ? `Copy ${i}, ${size} px` : `This picture, ${size} px`);
      button.title = `${size} px, ${known.origins[i]}`;
      button.append(make("span", "gone", "…"), make("span", "size", size));
      button.onclick = () => this.put(image, known.pack, buttons, button);
      return button;
    });
    row.append(...buttons);
    row.addEventListener("mousedown", (event) => event.preventDefault()); // the keys stay with the picture
    try {
      await strip.load();
    } catch {
      return; // they have their sizes and origins, and each can be opened
    }
    if (this.strip !== strip) return;
    buttons.forEach((button, i) => button.firstChild.replaceWith(strip.images[i] ?? make("span", "gone", "no picture on disk")));
  }

  // A crop is changed on the tile's own picture.
  own() {
    if (this.wanted !== this.image) this.copies.querySelector(".copy")?.click();
  }

  put(image, pack, buttons, button) {
    this.enlarge(`${pack}&large=${image}`, image);
    for (const one of buttons) one.setAttribute("aria-pressed", String(one === button));
    this.dialog.classList.toggle("of-copy", image !== this.image); // the crop lies over the tile's own picture
  }

  refresh() {
    const tile = this.grid.tile();
    if (!this.open || !tile) return;
    this.title.textContent = tile.base.label;
    this.state.textContent = tile.rejected
      ? `Rejected${tile.reason ? `: ${tile.reason}` : ""}`
      : { keep: "Kept", undecided: "Not decided yet", reject: "Will be kept" }[tile.base.verdict];
    const copies = together(tile.base.copies.length);
    if (copies) this.state.append(make("span", "quiet", ` · ${copies}`));
    if (tile.base.why) this.state.append(make("span", "quiet", ` · ${tile.base.why}`));
    this.toggle.textContent = tile.rejected ? "Keep (x)" : "Reject (x)";
    this.toggle.classList.toggle("danger", !tile.rejected);
    // Its own class, then the others as it looks like them.
    const likely = this.guess?.image === tile.image ? new Map(this.guess.classes) : new Map();
    const others = this.grid.classes.filter((name) => name !== tile.base.label);
    others.sort((a, b) => (likely.get(b) ?? 0) - (likely.get(a) ?? 0));
    const options = [tile.base.label, ...others].map((name) => {
      const chance = likely.get(name);
      const option = make("option", "", chance >= 0.05 ? `${name}, looks ${Math.round(100 * chance)} % like it` : name);
      option.value = name;
      return option;
    });
    this.select.replaceChildren(...options);
    this.select.value = tile.base.label;
  }

  // What the server knows of the image: {image, width, height, origins: [...], history: [...]}, and what crop.js needs
  fill(known) {
    if (!this.open || known.image !== this.image) return;
    if (this.guess?.image !== known.image) {
      this.guess = { image: known.image, classes: known.guess };
      this.refresh();
    }
    this.crop.fill(known);
    this.list(known.copies);
    const list = make("dl");
    const row = (name, value) => {
      if (!value) return;
      const cell = make("dd");
      cell.append(value);
      list.append(make("dt", "", name), cell);
    };
    row("Picture", make("span", "", `${known.width} × ${known.height} px`));
    known.origins.forEach((origin, i) => {
      if (i) list.append(make("hr"));
      row("Title", origin.title && make("span", "", origin.title));
      row("Page", origin.page && linkOrText(origin.page));
      row("File", origin.url && linkOrText(origin.url));
      row("Creator", origin.creator && make("span", "", origin.creator));
      row("Licence", origin.licence && (origin.licence_url ? linkOrText(origin.licence_url, origin.licence) : make("span", "", origin.licence)));
      row("Source", make("span", "", [origin.source, origin.fetched].filter(Boolean).join(", ")));
    });
    const parts = [make("h4", "", known.origins.length > 1 ? "Where it came from (each place)" : "Where it came from"), list];
    parts.push(make("h4", "", "What was decided"));
    if (!known.history.length) parts.push(make("p", "quiet", "Nothing yet."));
    else {
      const log = make("ol");
      known.history.forEach(([when, who, what]) => {
        const item = make("li");
        item.append(make("b", "", who), ` ${what} `, make("span", "quiet", when));
        log.append(item);
      });
      parts.push(log);
    }
    this.more.replaceChildren(...parts);
  }
}
