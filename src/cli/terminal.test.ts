import { describe, expect, it } from "vitest";
import { progressLine } from "./progress";
import { StatusLine, isColorful, styleFor } from "./terminal";

describe("colours", () => {
  const terminal = { isTTY: true };

  it("are for terminals, and for nobody who said NO_COLOR", () => {
    expect(isColorful(terminal, {})).toBe(true);
    expect(isColorful({}, {})).toBe(false);
    expect(isColorful({}, { CI: "true" })).toBe(false);
    expect(isColorful(terminal, { NO_COLOR: "1" })).toBe(false);
    expect(isColorful(terminal, { TERM: "dumb" })).toBe(false);
  });

  it("can be demanded and forbidden by FORCE_COLOR", () => {
    expect(isColorful({}, { FORCE_COLOR: "1" })).toBe(true);
    expect(isColorful(terminal, { FORCE_COLOR: "0" })).toBe(false);
  });

  it("leave a report alone that goes into a file", () => {
    expect(styleFor({ isTTY: false }).bad("x")).toBe("x");
  });
});

describe("the status line", () => {
  const capture = (columns?: number, isTTY = true) => {
    const written: string[] = [];
    return { written, terminal: { isTTY, ...(columns !== undefined && { columns }), write: (text: string) => written.push(text) } };
  };

  it("is written over itself and goes away at the end", () => {
    const { written, terminal } = capture();
    const line = new StatusLine(terminal);
    line.show("one");
    line.show("two");
    line.clear();
    line.clear();
    expect(written).toEqual(["\rone\u001b[K", "\rtwo\u001b[K", "\r\u001b[K"]);
  });

  it("is never wider than the terminal", () => {
    const { written, terminal } = capture(30);
    new StatusLine(terminal).show("x".repeat(100));
    expect(written).toEqual([`\r${"x".repeat(29)}\u001b[K`]);
  });

  it("is silent where there is no terminal", () => {
    const { written, terminal } = capture(80, false);
    const line = new StatusLine(terminal);
    line.show("one");
    line.clear();
    expect(written).toEqual([]);
  });
});

describe("progress", () => {
  it("tells how far and how fast, in one line", () => {
    expect(progressLine({ nowNs: 4.2e9, endNs: 1e10, packets: 1_234_567, packetsPerSecond: 2_140_000 })).toBe(
      "██████████░░░░░░░░░░░░░░  42 %  4.20 s of 10 s  1,234,567 packets  2.14 M packets/s",
    );
  });

  it("is complete at the end, and not before", () => {
    expect(progressLine({ nowNs: 1e10, endNs: 1e10, packets: 0, packetsPerSecond: 0 })).toMatch(/^█{24} 100 %/);
    expect(progressLine({ nowNs: 1e10 - 1, endNs: 1e10, packets: 0, packetsPerSecond: 0 })).toMatch(/^█{23}░ {2}99 %/);
  });
});
