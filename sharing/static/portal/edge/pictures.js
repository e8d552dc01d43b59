// A picture file as a person sees it: turned as its EXIF note says, without a conversion of colours, on a white page;
// of an animation the first picture. The policy is that of client/src/hub_client/hashing/pictures.py.
import { LEAST_PIXELS, Pdq } from "./pdq.js";

const MOST_PIXELS = 89_478_485;
const ROWS_AT_ONCE = 256;
// First bytes of the kinds that every browser decodes: such a file that can't be decoded is damaged.
const KINDS = [/^\xff\xd8\xff/, /^\x89PNG\r\n\x1a\n/, /^GIF8[79]a/, /^RIFF[^]{4}WEBP/, /^BM[^]{4}\0\0\0\0/];

export class BadPicture extends Error {
  // `code`: damaged, too_many_pixels or too_few_pixels
  constructor(code) {
    super(code);
    this.code = code;
  }
}

// { hash, quality }, or null for a file that is no picture, or of a kind that this browser does not decode.
export const pictureHash = async (file) => {
  const options = { imageOrientation: "from-image", colorSpaceConversion: "none", premultiplyAlpha: "none" };
  let picture;
  try {
    picture = await createImageBitmap(file, options);
  } catch {
    const start = String.fromCharCode(...new Uint8Array(await file.slice(0, 16).arrayBuffer()));
    if (KINDS.some((kind) => kind.test(start))) throw new BadPicture("damaged");
    return null;
  }
  try {
    return hashOf(picture);
  } finally {
    picture.close();
  }
};

const hashOf = (picture) => {
  const { width, height } = picture;
  if (width * height > MOST_PIXELS) throw new BadPicture("too_many_pixels");
  if (Math.min(width, height) < LEAST_PIXELS) throw new BadPicture("too_few_pixels");
  const pdq = new Pdq(width, height);
  const canvas = new OffscreenCanvas(width, Math.min(height, ROWS_AT_ONCE));
  const page = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  for (let top = 0; top < height; top += ROWS_AT_ONCE) {
    const rows = Math.min(ROWS_AT_ONCE, height - top);
    page.fillStyle = "#fff";
    page.fillRect(0, 0, width, rows);
    page.drawImage(picture, 0, top, width, rows, 0, 0, width, rows);
    pdq.add(page.getImageData(0, 0, width, rows).data, top);
  }
  return pdq.result();
};
