/** Reads the image of the program that the host wrote. */
import { Section, SECTION_OFFSET, SECTION_RECORDS, SECTION_SIZE } from "../abi/image";
import { reserveImage, reserveLate } from "./arena";

let image: usize = 0;

/** Where the host may write a program of so many bytes; 0 if there is no room for it. */
export function openImage(bytes: u32): usize {
  image = reserveImage(bytes);
  return image;
}

let later: usize = 0;
let laterBytes: u32 = 0;

/** The same for the programs that come while the network runs; they share one place. */
export function openReloadImage(bytes: u32): usize {
  if (bytes > laterBytes) {
    const address = reserveLate(<u64>bytes * 2);
    if (address == 0) return 0;
    later = address;
    laterBytes = bytes * 2;
  }
  memory.fill(later, 0, bytes);
  image = later;
  return later;
}

/** Address of a field of the header. */
export function field(offset: i32): usize {
  return image + offset;
}

export function recordCount(section: Section): u32 {
  return load<u32>(image + section * SECTION_SIZE, SECTION_RECORDS);
}

/** Address of a record. */
export function record(section: Section, index: u32, size: i32): usize {
  return image + load<u32>(image + section * SECTION_SIZE, SECTION_OFFSET) + index * size;
}

export function capacity(offset: i32): u32 {
  return load<u32>(image + offset);
}
