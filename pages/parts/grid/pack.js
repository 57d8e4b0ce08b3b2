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

// One page of the queue: what the server said of its images, their pictures, and their tiles once built.
class Page {
  constructor(number) {
    this.number = number;
    this.urls = [];
    this.state = "known"; // known -> loading -> ready; a failed load goes back to known
    this.painted = false;
    this.element = null;
    this.tries = 0;
  }

  // Fetches and decodes; afterwards `images` holds an <img> or null for each tile, ready to be painted at once.
  async load(wait) {
    this.state = "loading";
    this.abort = new AbortController();
    try {
      const answer = await fetch(this.pack, { signal: this.abort.signal, credentials: "same-origin" });
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      const blobs = cutPack(await answer.arrayBuffer());
      await wait();
      this.images = await Promise.all(blobs.map((blob) => this.decode(blob)));
      this.state = "ready";
      this.tries = 0;
    } catch (error) {
      this.free();
      this.tries += 1;
      if (error.name !== "AbortError") throw error;
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
    this.abort?.abort();
    this.urls.forEach((url) => URL.revokeObjectURL(url));
    Object.assign(this, { urls: [], images: null, element: null, tiles: null, painted: false, state: "known" });
  }
}
