// The review grid. The browser owns cursor and marks, the server owns the epoch (a filter, an order, a fresh start).
// Every payload is self-contained, so it does not matter which of them arrives: see `update`.

const AHEAD = 4; // pages decoded off the screen
const BEHIND = 1; // pages kept decoded for a look back
const RESEND = 2000; // ms until what is not acknowledged is sent again
const GRIDS = new WeakMap();

const KEYS = [
  ["← ↑ → ↓  Home  End", "move"], ["x or Space", "reject, or take it back"], ["1 … 9", "reject with a reason"],
  ["Shift + arrows", "choose a range; x or 1 … 9 then mark all of it"], ["Shift + click", "mark a range"],
  ["a   k   i", "reject all, none, invert"], ["Enter", "store the page: marked is rejected, the rest is kept"],
  ["u", "undo your last page"], ["p   n", "page before, page after, nothing stored"],
  ["f or double click", "large view: where it came from, what was decided"], ["r", "give it another class"],
  ["/", "to the filters"], ["?", "this list"],
];

class Grid {
  constructor(host) {
    this.host = host;
    this.pages = new Map();
    this.marks = {};
    this.stack = []; // what this tab committed and may undo: {id, epoch, page, marks}
    this.done = new Set(); // undo operations whose marks were put back
    this.cursor = 0;
    this.at = 0;
    this.columns = 1;
    this.build();
    this.onKey = (event) => this.key(event);
    window.addEventListener("keydown", this.onKey, true); // before Streamlit's own shortcuts (r, c)
    this.timer = setInterval(() => this.outbox?.items.length && Date.now() - this.sent >= RESEND && this.say(), 500);
    this.sizes = new ResizeObserver(() => this.measure());
    this.sizes.observe(this.list);
  }

  destroy() {
    window.removeEventListener("keydown", this.onKey, true);
    clearInterval(this.timer);
    this.sizes.disconnect();
    for (const page of this.pages.values()) page.free();
    GRIDS.delete(this.host);
  }

  // What comes from the server ------------------------------------------------------------------------------------

  update({ data, setTriggerValue }) {
    this.send = setTriggerValue;
    const scope = `${data.project}:${data.reviewer}`;
    if (this.scope !== scope) {
      this.scope = scope;
      this.outbox = new Outbox(data.project, data.reviewer);
      this.draftKey = `winnow:marks:${scope}`;
      this.marks = stored(sessionStorage, this.draftKey) ?? {};
      this.stack = [];
    }
    Object.assign(this, { data, classes: data.classes, reasons: data.reasons });
    const news = this.outbox.acknowledge(data.acked);
    if (this.epoch !== data.epoch) this.begin(data);
    else this.end = data.end;
    for (const [number, rows] of Object.entries(data.pages)) this.learn(Number(number), rows);
    if (data.restored && !this.done.has(data.restored.undo)) this.restore(data.restored);
    news.forEach((answer) => this.answered(answer));
    if (data.look) this.look.fill(data.look);
    this.skipStored();
    this.paintReasons();
    this.show();
    this.status();
    if (this.outbox.items.length && !this.sent) this.say();
  }

  begin(data) {
    for (const page of this.pages.values()) page.free();
    this.pages = new Map();
    Object.assign(this, { epoch: data.epoch, cursor: data.cursor, end: data.end, at: 0, anchor: null, shown: null });
    this.look.dialog.close();
  }

  learn(number, rows) {
    const waiting = this.outbox.waiting();
    let page = this.pages.get(number);
    if (!page) {
      page = new Page(number);
      page.tileList = rows.ids.map((image) => new Tile({ image, version: -1 }));
      this.pages.set(number, page);
    }
    page.pack = rows.pack;
    page.tileList.forEach((tile, i) => {
      if (waiting.has(tile.image)) {
        if (tile.base.version >= 0) return; // what this tab just did counts until the server has answered
        const { verdict, reason } = waiting.get(tile.image);
        tile.base = this.row(rows, i, { verdict, reason, version: rows.versions[i] + 1 });
      } else {
        const before = tile.base;
        tile.base = this.row(rows, i);
        const foreign = before.version >= 0 && tile.base.version > before.version && !(tile.image in this.undone);
        if (foreign) this.changed(tile, rows.by[tile.image]);
        if (tile.base.version !== before.version || tile.base.verdict !== before.verdict) delete this.undone[tile.image];
      }
      if (before0(tile)) tile.draft = this.drafted(tile);
      tile.known = true;
      tile.show();
    });
  }
}

export default function (component) {}
