// The review grid. The browser owns cursor and marks, the server owns the epoch (a filter, an order, a fresh start).
// Every payload is self-contained, so it does not matter which of them arrives.

const AHEAD = 4; // pages decoded off the screen
const BEHIND = 1; // pages kept decoded for a look back
const RESEND = 2000; // ms until what is not acknowledged is sent again
const TEACH = { first: 100, then: 500 }; // ms after a mark until the server hears of it, and at least between two such
const GRIDS = new WeakMap();

class Grid {
  constructor(host, root) {
    Object.assign(this, { host, root, pages: new Map(), stack: [], restored: new Set(), at: 0, anchor: null, sent: 0, heard: 0, asked: 0, refusals: 0 });
    this.view = new View(root, this);
    this.look = new Look(this);
    this.many = new Many(this);
    root.append(this.look.dialog, this.many.dialog);
    this.onKey = (event) => onKey(this, event);
    window.addEventListener("keydown", this.onKey, true); // capture: before Streamlit's own shortcuts (r, c)
    this.timer = setInterval(() => (this.waiting() || this.many.waits) && Date.now() - this.sent >= RESEND && this.say(), 500);
  }

  destroy() {
    window.removeEventListener("keydown", this.onKey, true);
    clearInterval(this.timer);
    clearTimeout(this.teaching);
    this.view.destroy();
    this.many.free();
    for (const page of this.pages.values()) page.free();
  }

  // What the server says ------------------------------------------------------------------------------------------

  update({ data, setTriggerValue }) {
    this.send = setTriggerValue;
    this.heard = Date.now();
    if (this.rename(data)) return;
    const scope = `${data.project}:${data.reviewer}`;
    if (this.scope !== scope) {
      this.outbox = new Outbox(data.project, data.reviewer);
      this.marksKey = `winnow:marks:${scope}`;
      if (this.many.open) this.many.dialog.close(); // its pictures are of another project
      Object.assign(this, { scope, stack: [], epoch: null, marks: stored(sessionStorage, this.marksKey) ?? {} });
    }
    Object.assign(this, { data, classes: data.classes, reasons: data.reasons });
    const news = this.outbox.acknowledge(data.acked);
    const begins = this.epoch !== data.epoch;
    if (begins) this.begin(data);
    this.end = data.end;
    for (const [number, rows] of Object.entries(data.pages)) this.learn(Number(number), rows);
    if (begins) this.skipStored();
    news.forEach((answer) => this.answered(answer));
    if (data.restored && !this.restored.has(data.restored.undo)) this.putBack(data.restored);
    if (data.look) this.look.fill(data.look);
    this.many.fill(data);
    this.view.offer(data);
    this.show();
    if (begins) this.view.take();
    if (data.error) this.view.note(`${data.error} Trying again.`);
    if (this.waiting() && !this.sent) this.say();
  }

  // The browser remembers who reviews here, for a session forgets it with every reload and with every start of the
  // server. True: this payload is for somebody else, one under the right name is on its way.
  rename({ named, reviewer }) {
    const known = stored(localStorage, "winnow:reviewer");
    if (!named && known && known !== reviewer) {
      if (Date.now() - this.asked < RESEND) return true; // payloads come more often than answers
      if (this.refusals >= 5) return false;
      Object.assign(this, { asked: Date.now(), refusals: this.refusals + 1 });
      this.send("say", { reviewer: known });
      return true;
    }
    this.refusals = 0;
    try {
      if (named) localStorage.setItem("winnow:reviewer", JSON.stringify(reviewer));
    } catch {
      // the name is then typed again next time
    }
    return false;
  }

  begin(data) {
    for (const page of this.pages.values()) page.free();
    Object.assign(this, { pages: new Map(), epoch: data.epoch, cursor: data.cursor, at: 0, anchor: null, shown: null });
    if (this.look.open) this.look.dialog.close();
  }

  learn(number, rows) {
    const page = this.place(number, rows.choice);
    if (!page) return;
    const held = this.outbox.held();
    const known = page.tiles;
    page.pack = rows.pack;
    page.tiles ??= rows.ids.map((image) => new Tile(image));
    page.tiles.forEach((tile, i) => {
      const copies = (this.data.copies[tile.image] ?? []).map(([image, version, verdict]) =>
        ({ image, version, verdict, reason: verdict === "undecided" ? "" : rows.reasons[i] }));
      const row = { label: rows.labels[i], verdict: rows.verdicts[i], version: rows.versions[i],
        reason: rows.reasons[i], why: rows.why[i], copies };
      const waits = [...tile.images, ...copies.map((copy) => copy.image)].some((image) => held.has(image));
      tile.guess = rows.guess[i];
      if (!known) {
        tile.take(row);
        const mark = tile.images.map((image) => this.marks[image]).find(Boolean); // it may have been another one's tile
        const sent = waitingFor(tile.images, held);
        if (sent.size) tile.expect(sent);
        if (mark && !sent.has(tile.image)) tile.mark(...mark);
      } else if (!waits && (row.version !== tile.base.version || row.verdict !== tile.base.verdict)) {
        tile.take(row);
        if (rows.by[i]) this.changed(tile, rows.by[i]);
      } else if (!waits && JSON.stringify(copies) !== JSON.stringify(tile.base.copies)) tile.hold(copies);
    });
  }

  // Where the rows of a page belong. A page that was chosen anew waits beside the one it replaces until its pictures are
  // there, so that Enter never waits for it; one that was seen stays, and the server hears which choice that was: unless
  // it had come to that page before it heard so, then its word stands.
  place(number, choice) {
    const here = this.pages.get(number);
    if (here?.choice === choice) return here;
    if (here?.seen && this.data.cursor < number) return null;
    if (here?.next?.choice === choice) return here.next;
    const page = Object.assign(new Page(number), { choice });
    here?.next?.free();
    if (here?.state === "ready" && !here.seen) here.next = page;
    else {
      here?.free();
      this.pages.set(number, page);
    }
    return page;
  }

  // After a reload the first pages may hold nothing but what still waits in the outbox.
  skipStored() {
    const held = this.outbox.held();
    while (this.pages.get(this.cursor)?.tiles.every((tile) => held.has(tile.image))) this.cursor += 1;
  }

  changed(tile, who) {
    tile.other = who;
    tile.show();
    this.remember(tile);
    if (this.shown?.tiles.includes(tile)) this.view.note(`${who} decided on a picture of this page meanwhile.`);
  }

  answered({ item, conflicts, who, refused }) {
    if (refused) return this.refused(item, refused);
    if (!conflicts.length) return undefined;
    const lost = new Set(conflicts);
    this.stack.filter((entry) => entry.id === item.id).forEach((entry) => lost.forEach((image) => entry.before.delete(image)));
    let where = null;
    for (const page of this.pages.values()) {
      for (const tile of page.tiles) {
        if (!lost.has(tile.image)) continue;
        this.changed(tile, who[tile.image]);
        where ??= page.number;
      }
    }
    // A copy is in no tile any more: the page that was stored had it.
    const entry = this.stack.find(({ id, epoch }) => id === item.id && epoch === this.epoch);
    where ??= entry?.page ?? null;
    const names = [...new Set(Object.values(who))].join(", ");
    const count = conflicts.length === 1 ? "1 picture" : `${conflicts.length} pictures`;
    const text = `${names} had decided on ${count} meanwhile: that stands, yours ${conflicts.length === 1 ? "was" : "were"} not stored.`;
    return this.view.warn(text, where === null ? null : () => this.go(where));
  }

  // The server can do nothing with it, now or later: the marks come back, to be looked at again.
  refused(item, sentence) {
    const entry = this.stack.find(({ id }) => id === item.id);
    this.stack = this.stack.filter((one) => one !== entry);
    for (const tile of this.tiles()) {
      const was = entry?.before.get(tile.image);
      if (was) tile.take(tile.base, was.draft);
      this.remember(tile, false);
    }
    this.save();
    this.view.warn(`Not stored: ${sentence}`);
  }

  // An undo of an operation that this tab does not know (made before a reload): its marks come from the server.
  putBack({ undo, page, marks }) {
    this.restored.add(undo);
    if (!page && page !== 0) return;
    for (const [image, reason] of Object.entries(marks)) this.marks[image] = [true, reason];
    this.cursor = page;
    for (const tile of this.pages.get(page)?.tiles ?? []) {
      if (tile.image in marks) tile.mark(true, marks[tile.image]);
      this.remember(tile);
    }
    this.view.note("Undone. Your marks are back.");
  }

  // What goes to the server ---------------------------------------------------------------------------------------

  waiting() {
    return this.outbox?.items.length ?? 0;
  }

  say(extra = {}) {
    this.sent = Date.now();
    const look = this.look.open ? this.look.image : null;
    const marks = this.marked();
    this.taught = JSON.stringify(marks);
    const near = [...this.pages.values()].filter((page) => page.seen && page.number >= this.cursor - BEHIND);
    const saw = near.map((page) => [page.number, page.choice]);
    this.send("say", { epoch: this.epoch, cursor: this.cursor, by: this.data.reviewer, ops: this.outbox.message(), look, saw, marks, ...this.many.wish(), ...extra });
    this.view.status();
  }

  // What storing the page on the screen would say: the page behind it is chosen by that.
  marked() {
    if (!this.shown?.painted || this.shown.number !== this.cursor) return null;
    const bad = this.shown.tiles.filter((tile) => tile.rejected || tile.moves);
    const why = (tile) => (tile.rejected ? tile.reason : "wrong class");
    return { page: this.cursor, bad: bad.flatMap((tile) => tile.images.map((image) => [image, why(tile)])) };
  }

  // Says it a moment later, and not before the last answer came: what is marked meanwhile goes along.
  teach() {
    if (!this.data?.ranks || this.teaching) return;
    this.teaching = setTimeout(() => {
      this.teaching = null;
      if (JSON.stringify(this.marked()) === this.taught) return;
      if (this.sent > this.heard && Date.now() - this.sent < RESEND) this.teach();
      else this.say();
    }, Math.max(TEACH.first, TEACH.then - (Date.now() - this.sent)));
  }

  // `page`: the one that is stored; null where many pictures were chosen at once, on whatever page they lie.
  store(page, decisions) {
    const item = this.outbox.add(decisions);
    const of = new Map(decisions.map((decision) => [decision.image, decision]));
    const before = new Map(decisions.map(({ image }) => [image, null])); // null: it lies on no page here
    for (const tile of this.tiles()) {
      if (!tile.images.some((image) => of.has(image))) continue;
      if (of.has(tile.image)) before.set(tile.image, { base: tile.base, draft: tile.draft });
      tile.expect(of);
      this.remember(tile, false);
    }
    of.forEach((_, image) => delete this.marks[image]);
    this.stack.push({ id: item.id, epoch: this.epoch, page: page?.number ?? null, before });
    this.save();
  }

  commit() {
    if (this.many.justPressed) return undefined; // the second press of two was not meant for the page behind
    const page = this.shown;
    if (!page?.painted || page.number !== this.cursor) return this.view.note("One moment: this page is not on the screen yet.");
    const decisions = page.tiles.flatMap((tile) => tile.decisions());
    if (decisions.length) this.store(page, decisions);
    const rejected = decisions.filter((decision) => decision.verdict === "reject").length;
    this.view.note(decisions.length ? `Kept ${decisions.length - rejected}, rejected ${rejected}.` : "Nothing had changed.");
    return this.go(this.cursor + 1);
  }

  undo() {
    const top = this.stack.pop();
    const waits = (id) => this.outbox.items.some((item) => item.undoes === id);
    if (!top) {
      if (!this.data.undo || waits(this.data.undo)) return this.view.note("There is nothing more to undo.");
      this.outbox.add([], this.data.undo);
      return this.say();
    }
    const many = top.page === null;
    const item = this.outbox.add([], top.id, [...top.before.keys()], many);
    const page = top.epoch === this.epoch ? this.pages.get(top.page) : null;
    if (!page && !many) return this.say(); // the server answers with a page of these pictures: see putBack
    this.restored.add(item.id);
    for (const tile of this.tiles()) {
      const was = top.before.get(tile.image);
      if (was) tile.restore(was, top.before);
      this.remember(tile, false);
    }
    this.save();
    if (many) return this.undone(top.before.size);
    this.go(page.number);
    const touched = page.tiles.filter((tile) => top.before.has(tile.image));
    if (touched.length === 1 || this.look.open) this.move(page.tiles.indexOf(touched[0]));
    return this.view.note("Undone. Your marks are back.");
  }

  undone(count) {
    this.say();
    this.refresh(`Undone. ${many(count, "picture")} ${count === 1 ? "waits" : "wait"} for a decision again.`);
  }

  // The class is that of the photo, so its copies get it too; a crop fits the one picture only.
  relabel(label) {
    const tile = this.tile();
    if (tile && label !== tile.base.label) this.keep({ label }, `Kept${withCopies(tile)}, as ${label}.`, tile.base.copies);
  }

  crop(box, said) {
    return this.keep({ label: "", box }, said);
  }

  // One picture is kept, with what was changed on it: stored at once, for itself. False where it cannot be, yet.
  keep(change, said, copies = []) {
    const tile = this.tile();
    if (!tile || !this.shown.painted) return false;
    const changed = [{ image: tile.image, version: tile.base.version }, ...copies];
    this.store(this.shown, changed.map(({ image, version }) => ({ image, verdict: "keep", reason: "", version, ...change })));
    this.say();
    this.refresh(said);
    return true;
  }

  // Pages ---------------------------------------------------------------------------------------------------------

  go(number) {
    if (number < 0 || (this.end !== null && number > this.end)) return;
    if (number > this.cursor && !this.pages.has(this.cursor)) return; // the server would not follow over what it has not chosen
    Object.assign(this, { cursor: number, at: 0, anchor: null });
    this.show();
    this.say();
  }

  show() {
    this.prefetch();
    const page = this.pages.get(this.cursor);
    if (this.end !== null && this.cursor >= this.end) this.view.finish(this.data);
    else if (page?.state !== "ready") this.view.wait();
    else if (this.shown !== page) this.view.present(page);
    if (page) this.see(page); // also one whose pictures are on their way: the server is told of it now
    this.shown = page?.state === "ready" ? page : null;
    this.refresh();
  }

  // It stays as it is from now on.
  see(page) {
    page.seen = true;
    page.next?.free();
    page.next = null;
  }

  // The page on the screen first, then the ones ahead; what is far away gives its memory back.
  prefetch() {
    for (const page of this.pages.values()) {
      const near = page.number >= this.cursor - BEHIND && page.number <= this.cursor + AHEAD;
      if (!near && page.state !== "known") page.free();
    }
    for (let number = this.cursor; number <= this.cursor + AHEAD; number++) {
      this.fetch(this.pages.get(number));
      this.fetch(this.pages.get(number)?.next);
    }
    this.fetch(this.pages.get(this.cursor - 1));
  }

  async fetch(page) {
    if (page?.state !== "known" || Date.now() < page.notBefore) return;
    try {
      await page.load();
    } catch (error) {
      page.notBefore = Date.now() + Math.min(500 * 2 ** page.tries, 15000);
      if (page.number === this.cursor) this.view.note("The pictures did not arrive; trying again.");
      setTimeout(() => this.wanted(page) && this.say(), page.notBefore - Date.now()); // a fresh address
      return;
    }
    if (page.state !== "ready" || !this.wanted(page)) return;
    this.view.build(page);
    const before = this.pages.get(page.number);
    if (before !== page) {
      this.pages.set(page.number, page);
      before.next = null;
      before.free();
    }
    if (page.number === this.cursor) this.show();
    else this.view.ahead();
  }

  wanted(page) {
    const here = this.pages.get(page.number);
    return here === page || here?.next === page;
  }

  // Cursor and marks ----------------------------------------------------------------------------------------------

  tile() {
    return this.shown?.tiles[this.at];
  }

  tiles() {
    return [...this.pages.values()].flatMap((page) => [...(page.tiles ?? []), ...(page.next?.tiles ?? [])]);
  }

  chosen() {
    if (!this.shown) return [];
    const [from, to] = [this.at, this.anchor ?? this.at].sort((a, b) => a - b);
    return this.shown.tiles.slice(from, to + 1);
  }

  move(to, range = false, reveal = true) {
    if (!this.shown) return;
    this.anchor = range ? this.anchor ?? this.at : null;
    this.at = Math.max(0, Math.min(this.shown.tiles.length - 1, to));
    this.refresh();
    if (reveal) this.view.reveal(this.tile());
    if (this.look.open) this.look.show();
  }

  mark(tiles, reject, reason = "") {
    for (const tile of tiles) {
      tile.mark(reject, reason);
      this.remember(tile, false);
    }
    this.save();
    this.refresh();
  }

  alike() {
    if (this.tile()) this.many.like(this.tile());
  }

  toggle() {
    const tiles = this.chosen();
    this.mark(tiles, !tiles.every((tile) => tile.rejected));
  }

  reject(reason) {
    this.mark(this.chosen(), true, reason);
  }

  // The chosen ones are not of their class, but of the one they look like: marked, to be stored with the page. Once more
  // takes it back; where it is not sure the class is chosen by hand.
  moveOver() {
    const tiles = this.chosen();
    const sure = tiles.filter((tile) => tile.guess && tile.guess !== tile.base.label);
    const back = sure.length > 0 && sure.every((tile) => tile.moves);
    if (!sure.length && tiles.length > 1) return this.view.note("It is not sure what these look like: give each its class (r).");
    if (!sure.length) return this.tile() && this.look.show(true);
    for (const tile of sure) {
      tile.mark(false, "", back ? "" : tile.guess);
      this.remember(tile, false);
    }
    this.save();
    this.refresh();
    const [rest, classes] = [tiles.length - sure.length, [...new Set(sure.map((tile) => tile.guess))].join(", ")];
    const unsure = rest ? ` Of ${many(rest, "picture")} it is not sure.` : "";
    return this.view.note(back ? "Taken back." : `Will get the class ${classes} when the page is stored.${unsure}`);
  }

  all(reject) {
    const tiles = this.shown?.tiles ?? [];
    this.mark(tiles.filter((tile) => tile.rejected !== reject), reject);
  }

  invert() {
    for (const tile of this.shown?.tiles ?? []) {
      tile.mark(!tile.rejected);
      this.remember(tile, false);
    }
    this.save();
    this.refresh();
  }

  // Marks that are not stored yet survive a reload and a visit to another page, in sessionStorage.
  remember(tile, save = true) {
    for (const image of tile.images) delete this.marks[image];
    if (tile.draft) this.marks[tile.image] = [tile.draft.reject, tile.draft.reason, tile.draft.label];
    if (save) this.save();
  }

  save() {
    this.teach();
    try {
      sessionStorage.setItem(this.marksKey, JSON.stringify(this.marks));
    } catch {
      this.view.note("This browser keeps no marks: store the page before you leave it.");
    }
  }

  refresh(said = "") {
    this.view.cursor();
    this.view.status();
    this.look.refresh();
    if (said) this.view.note(said);
  }
}

// Those of the images that have a decision in the outbox -> that decision.
function waitingFor(images, held) {
  const found = images.map((image) => [image, held.get(image)?.decisions.find((one) => one.image === image)]);
  return new Map(found.filter(([, decision]) => decision));
}

export default function (component) {
  const { parentElement } = component;
  const root = parentElement.querySelector(".winnow");
  let grid = GRIDS.get(parentElement);
  if (grid?.root !== root) {
    grid?.destroy();
    grid = new Grid(parentElement, root);
    // Streamlit fades what it computes anew. Here nothing is old meanwhile: the next page is on the screen already.
    (parentElement.host ?? parentElement).closest("[data-testid=stElementContainer]")?.style.setProperty("opacity", "1", "important");
    GRIDS.set(parentElement, grid);
  }
  grid.update(component);
  return () =>
    setTimeout(() => {
      if ((parentElement.host ?? parentElement).isConnected) return; // only moved
      grid.destroy();
      GRIDS.delete(parentElement);
    });
}
