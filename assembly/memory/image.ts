/** Reads the image of the program that the host wrote. */
import { Section, SECTION_OFFSET, SECTION_RECORDS, SECTION_SIZE } from "../abi/image";
import { reserveImage } from "./arena";

let image: usize = 0;

/** Where the host may write a program of so many bytes; 0 if there is no room for it. */
export function openImage(bytes: u32): usize {
  image = reserveImage(bytes);
  return image;
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
