import { expect, test } from "vitest";
import { countText, durationText, rateText } from "./duration-text.ts";
import { paint, styleOf } from "./style.ts";
import { displayWidth, fitWidth, padWidth, printable, printableText } from "./text-width.ts";

const coloured = { colour: true, unicode: true };

test.each([
  [0, "0ms"],
  [-5, "0ms"],
  [99, "99ms"],
  [340, "0.34s"],
  [999, "1.0s"],
  [12_340, "12.3s"],
  [59_960, "1m 00s"],
  [125_000, "2m 05s"],
  [3_599_900, "1h 00m"],
  [3_720_000, "1h 02m"],
  [273_600_000, "3d 04h"],
])("a duration of %d ms reads %s", (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

test("separates thousands and chooses the unit of a rate", () => {
  expect([countText(1_234_567), rateText(340.4), rateText(4.25), rateText(0.2), rateText(0.05)]).toEqual([
    "1,234,567",
    "340/s",
    "4.3/s",
    "12/min",
    "3.0/min",
  ]);
});

test("counts wide characters twice, combining ones and colours not at all", () => {
  expect([
    displayWidth("ab"),
    displayWidth("名前"),
    displayWidth("e\u0301"),
    displayWidth(paint(coloured, "red", "ab")),
  ]).toEqual([2, 4, 1, 2]);
});

test("cuts to the width without splitting a character or a colour", () => {
  expect(fitWidth("名前名前", 5)).toBe("名前…");
  expect(fitWidth(paint(coloured, "red", "abcdef"), 4)).toBe("\u001B[31mabc…\u001B[39m");
  expect(fitWidth("abc", 3)).toBe("abc");
});

test("pads to the width on either side", () => {
  expect([padWidth("名", 4), padWidth("7", 3, "left")]).toEqual(["名  ", "  7"]);
});

test("turns control characters into spaces", () => {
  expect(printable("a\r\n\tb\u001B[31mc\u0007 ")).toBe("a b [31mc");
  expect(printable("left \u202E\u2067right")).toBe("left  right");
  expect(printableText("one\u001B[2J\r\n  two\n")).toBe("one [2J \n  two\n");
});

test("has colour on a terminal unless NO_COLOR says no, and elsewhere only by FORCE_COLOR", () => {
  const terminal = { isTTY: true };
  expect(styleOf(terminal, {}).colour).toBe(true);
  expect(styleOf(terminal, { NO_COLOR: "1" }).colour).toBe(false);
  expect(styleOf(terminal, { TERM: "dumb" })).toEqual({ colour: false, unicode: false });
  expect(styleOf({}, {}).colour).toBe(false);
  expect(styleOf({}, { FORCE_COLOR: "1" }).colour).toBe(true);
});
