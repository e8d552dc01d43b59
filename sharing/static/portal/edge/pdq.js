// PDQ, the perceptual hash of pictures: client/src/hub_client/hashing/pdq.py in the browser, where the reasons stand.
//
// Blurring a picture and keeping 64 x 64 points of it is linear, so one matrix for each direction holds what those
// points are made of.

const SIDE = 64;
const KEPT = 16; // frequencies in each direction
export const LEAST_PIXELS = 5; // a side
const PASSES = 2;
const NOTHING = 1e-12; // what rounding leaves of zero

// What each of the 64 points takes from a line of so many pixels: a box filter, twice, cut off at the ends. For each
// point the first pixel that it takes from, and the weights from there on.
const points = (length) => {
  const window = Math.floor((length + 2 * SIDE - 1) / (2 * SIDE));
  const ahead = Math.floor((window + 2) / 2);
  return Array.from({ length: SIDE }, (_none, point) => {
    let taken = new Float64Array(length);
    taken[Math.floor(((point + 0.5) * length) / SIDE)] = 1;
    for (let pass = 0; pass < PASSES; pass += 1) taken = handedOn(taken, window, ahead);
    const first = taken.findIndex((weight) => Math.abs(weight) >= NOTHING);
    const last = taken.findLastIndex((weight) => Math.abs(weight) >= NOTHING);
    return { first, weights: Float64Array.from(taken.subarray(first, last + 1)) };
  });
};

// Each place hands its weight on to its window in equal parts. Only where windows begin and end the sum changes.
const handedOn = (taken, window, ahead) => {
  const length = taken.length;
  const changes = new Float64Array(length + 1);
  for (let place = 0; place < length; place += 1) {
    if (taken[place] === 0) continue;
    const start = Math.max(place + ahead - window, 0);
    const end = Math.min(place + ahead, length);
    const part = taken[place] / (end - start);
    changes[start] += part;
    changes[end] -= part;
  }
  let sum = 0;
  return taken.map((_old, place) => {
    sum += changes[place];
    return Math.abs(sum) < NOTHING ? 0 : sum;
  });
};

// The picture comes in strips of whole rows, so that one of any size needs little memory.
export class Pdq {
  constructor(width, height) {
    if (Math.min(width, height) < LEAST_PIXELS) throw new RangeError("too few pixels");
    Object.assign(this, { width, height, isSmall: width === SIDE && height === SIDE });
    // A picture of 64 x 64 is taken as it is.
    this.down = this.isSmall ? null : points(height);
    this.across = this.isSmall ? null : points(width);
    this.rows = new Float64Array(SIDE * width);
  }

  // `pixels`: red, green, blue and opacity of each pixel of the rows from `top` on.
  add(pixels, top) {
    const width = this.width;
    const strip = new Float64Array(pixels.length / 4);
    for (let at = 0, from = 0; at < strip.length; at += 1, from += 4) {
      strip[at] = (pixels[from] * 299 + pixels[from + 1] * 587 + pixels[from + 2] * 114) / 1000;
    }
    if (this.isSmall) {
      this.rows.set(strip, top * width);
      return;
    }
    const bottom = top + strip.length / width;
    this.down.forEach(({ first, weights }, point) => {
      const end = Math.min(first + weights.length, bottom);
      for (let row = Math.max(first, top); row < end; row += 1) {
        const weight = weights[row - first];
        for (let column = 0, from = (row - top) * width, to = point * width; column < width; column += 1) {
          this.rows[to + column] += weight * strip[from + column];
        }
      }
    });
  }

  // { hash: 64 hexadecimal digits, quality: 0 to 100 }
  result() {
    const small = this.isSmall ? this.rows : this.small();
    return { hash: hashOf(frequencies(small)), quality: qualityOf(small) };
  }

  small() {
    const small = new Float64Array(SIDE * SIDE);
    for (let row = 0; row < SIDE; row += 1) {
      this.across.forEach(({ first, weights }, column) => {
        let sum = 0;
        const from = row * this.width + first;
        for (let place = 0; place < weights.length; place += 1) sum += weights[place] * this.rows[from + place];
        small[row * SIDE + column] = sum;
      });
    }
    return small;
  }
}

// The first 16 frequencies in each direction, after the constant one, of a discrete cosine transform.
const wave = (frequency, point) => Math.sqrt(2 / SIDE) * Math.cos((Math.PI / (2 * SIDE)) * frequency * (2 * point + 1));
const COSINES = Array.from({ length: KEPT }, (_none, at) =>
  Float64Array.from({ length: SIDE }, (_one, point) => wave(at + 1, point)));

const frequencies = (small) => COSINES.flatMap((down) => {
  const line = new Float64Array(SIDE);
  for (let row = 0; row < SIDE; row += 1) {
    for (let column = 0; column < SIDE; column += 1) line[column] += down[row] * small[row * SIDE + column];
  }
  return COSINES.map((across) => across.reduce((sum, weight, column) => sum + weight * line[column], 0));
});

// One bit for each frequency: whether it is above the median. The first one is the lowest bit.
const hashOf = (values) => {
  const median = Float64Array.from(values).sort()[values.length / 2 - 1];
  const bits = values.map((value) => (value > median ? "1" : "0")).reverse().join("");
  return bits.match(/.{4}/g).map((four) => Number.parseInt(four, 2).toString(16)).join("");
};

// How much there is to see: steps between neighbouring points, each in whole percent of the scale.
const qualityOf = (small) => {
  let steps = 0;
  for (let row = 0; row < SIDE; row += 1) {
    for (let column = 0; column < SIDE; column += 1) {
      const at = row * SIDE + column;
      if (row + 1 < SIDE) steps += Math.abs(Math.trunc(((small[at + SIDE] - small[at]) * 100) / 255));
      if (column + 1 < SIDE) steps += Math.abs(Math.trunc(((small[at + 1] - small[at]) * 100) / 255));
    }
  }
  return Math.min(Math.floor(steps / 90), 100);
};
