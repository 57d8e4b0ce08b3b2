// What the reviewer did and the server has not yet acknowledged. Each entry is a whole operation with its own UUID,
// so it may be sent any number of times; it is mirrored in localStorage, one key each, so that a reload, a crash or
// a second tab neither loses nor overwrites one.

const AT_ONCE = 20; // operations in one message; the rest follow when these are acknowledged

function uuid() {
  const b = crypto.getRandomValues(new Uint8Array(16)); // randomUUID wants https
  b[6] = (b[6] & 0x0f) | 0x40;
  b[8] = (b[8] & 0x3f) | 0x80;
  const hex = Array.from(b, (v) => v.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function stored(store, key) {
  try {
    return JSON.parse(store.getItem(key));
  } catch {
    return null;
  }
}

class Outbox {
  constructor(project, reviewer) {
    this.prefix = `winnow:outbox:${project}:${reviewer}:`;
    this.kept = true; // false where the browser refuses to store: then a closed tab loses what is not yet sent
    this.items = [];
    try {
      const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix)).sort();
      this.items = keys.map((key) => stored(localStorage, key)).filter((item) => item?.id);
    } catch {
      this.kept = false;
    }
  }

  key(item) {
    return `${this.prefix}${String(item.at).padStart(15, "0")}:${item.id}`;
  }

  // `images`: what an undo touches, where this tab knows it. `stay`: an undo that leaves the page on the screen.
  add(decisions, undoes = "", images = decisions.map((decision) => decision.image), stay = false) {
    const last = this.items.at(-1)?.at ?? 0;
    const item = { id: uuid(), at: Math.max(Date.now(), last + 1), undoes, decisions, images, stay };
    this.items.push(item);
    try {
      localStorage.setItem(this.key(item), JSON.stringify(item));
    } catch {
      this.kept = false;
    }
    return item;
  }

  // Drops what the server answered; returns the answers that were news.
  acknowledge(answers) {
    const known = new Map(this.items.map((item) => [item.id, item]));
    const news = answers.filter((answer) => known.has(answer.id));
    for (const { id } of news) {
      try {
        localStorage.removeItem(this.key(known.get(id)));
      } catch {
        this.kept = false;
      }
    }
    const done = new Set(news.map((answer) => answer.id));
    this.items = this.items.filter((item) => !done.has(item.id));
    return news.map((answer) => ({ ...answer, item: known.get(answer.id) }));
  }

  message() {
    return this.items.slice(0, AT_ONCE).map(({ id, undoes, decisions, stay }) => ({ id, undoes, decisions, stay }));
  }

  // Image -> the newest operation on it that waits for its answer; until then the browser knows better than the server.
  held() {
    const images = new Map();
    for (const item of this.items) for (const image of item.images) images.set(image, item);
    return images;
  }
}
