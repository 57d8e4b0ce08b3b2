// Thumbnails of one page: fetched as one binary, cut apart, decoded off the screen.
// Layout, little endian: u32 n, u32 length[n], then the JPEG bytes one after another. Length 0 = no picture on disk.

function cutPack(buffer) {
  const view = new DataView(buffer);
  const count = view.getUint32(0, true);
  const pictures = [];
  let at = 4 + 4 * count;
  for (let i = 0; i < count; i++) {
    const length = view.getUint32(4 + 4 * i, true);
    pictures.push(length ? new Blob([new Uint8Array(buffer, at, length)], { type: "image/jpeg" }) : null);
    at += length;
  }
  if (at !== buffer.byteLength) throw new Error("the pack is cut short");
  return pictures;
}

let lastDecode = Promise.resolve(); // pages are decoded one after another, the nearest first

// One page of the queue: its tiles, and their pictures while it is near.
class Page {
  constructor(number) {
    Object.assign(this, { number, tiles: null, urls: [], state: "known", painted: false, element: null, tries: 0, notBefore: 0,
      seen: false, next: null }); // `next`: this page chosen anew, until its pictures are there
  }

  // known -> loading -> ready. Afterwards `images` holds an <img> or null for each tile, to be painted at once.
  async load() {
    const abort = new AbortController();
    const before = lastDecode;
    let over;
    lastDecode = new Promise((resolve) => (over = resolve));
    Object.assign(this, { state: "loading", abort });
    try {
      const answer = await fetch(this.pack, { signal: abort.signal, credentials: "same-origin" });
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      const blobs = cutPack(await answer.arrayBuffer());
      await before;
      if (abort.signal.aborted) return;
      const images = await Promise.all(blobs.map((blob) => this.decode(blob)));
      if (abort.signal.aborted) return;
      Object.assign(this, { images, state: "ready", tries: 0 });
    } catch (error) {
      if (abort.signal.aborted) return; // free() has put everything back
      this.free();
      this.tries += 1;
      throw error;
    } finally {
      over();
    }
  }

  async decode(blob) {
    if (!blob) return null;
    const url = URL.createObjectURL(blob);
    this.urls.push(url);
    const image = new Image();
    image.alt = "";
    image.draggable = false;
    image.decoding = "sync"; // it is decoded already: it must come with the same frame as its tile
    image.src = url;
    try {
      await image.decode();
      return image;
    } catch {
      return null;
    }
  }

  free() {
    this.next?.free();
    this.next = null;
    this.abort?.abort();
    this.urls.forEach((url) => URL.revokeObjectURL(url));
    for (const tile of this.tiles ?? []) tile.element = null;
    Object.assign(this, { urls: [], images: null, element: null, painted: false, state: "known" });
  }
}
