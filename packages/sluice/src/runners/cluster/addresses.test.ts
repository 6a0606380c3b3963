import { networkInterfaces } from "node:os";
import { expect, test } from "vitest";
import { isOwnHost, reachableHome } from "./addresses.ts";

const here = { hosts: ["127.0.0.1"], isEncrypted: false };
const elsewhere = { hosts: ["127.0.0.1", "10.99.0.2"], isEncrypted: false };
const link = (home: object) => ({ process: "p", home: JSON.stringify(home) });
const codeOf = (act: () => unknown): string => {
  try {
    act();
    return "nothing thrown";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

test("a cluster of this machine uses the home as it is", () => {
  const address = link({ socketPath: "/run/home.sock" });
  expect(reachableHome(address, here, null)).toEqual(address);
});

test("addresses of this machine's own interfaces are this machine", () => {
  const own = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  expect(own.every(({ address }) => isOwnHost(address))).toBe(true);
  expect(isOwnHost("10.99.0.1")).toBe(false);
});

test("a home that only this machine can reach is refused for nodes of others", () => {
  expect(codeOf(() => reachableHome(link({ socketPath: "/s" }), elsewhere, null))).toMatch(/SLUICE_API_URL/);
  expect(codeOf(() => reachableHome(link({ url: "http://127.0.0.1:4200" }), elsewhere, null))).toMatch(
    /cannot reach the server at http:\/\/127\.0\.0\.1:4200/,
  );
  expect(codeOf(() => reachableHome(link({ url: "http://localhost:4200" }), elsewhere, null))).toMatch(/apiUrl/);
});

test("the option apiUrl is the address that nodes use", () => {
  const used = reachableHome(link({ socketPath: "/s" }), elsewhere, "http://server:4200");
  expect(JSON.parse(used["home"] ?? "")).toEqual({ url: "http://server:4200" });
});

test("credentials go to other machines by TLS alone", () => {
  const address = link({ url: "https://server:4200", apiKey: "secret" });
  expect(codeOf(() => reachableHome(address, elsewhere, null))).toMatch(/not encrypted/);
  const secure = { ...elsewhere, isEncrypted: true };
  expect(reachableHome(address, secure, null)).toEqual(address);
  expect(reachableHome(address, here, null)).toEqual(address);
});
