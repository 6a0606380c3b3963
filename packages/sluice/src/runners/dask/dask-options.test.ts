import { describe as suite, expect, test } from "vitest";
import { describe } from "../runtime.ts";
import { DaskTaskRunner, type DaskTaskRunnerOptions } from "./dask-task-runner.ts";

const security = { tlsCaFile: "ca.pem", tlsClientCert: "cert.pem", tlsClientKey: "key.pem" };

suite("the options of a DaskTaskRunner", () => {
  test.each<[object, RegExp]>([
    [{ adress: "tcp://a:1" }, /adress/],
    [{ address: "localhost:8786" }, /tcp:\/\/host:port/],
    [{ address: "tcp://a:1", clusterKwargs: { n_workers: 2 } }, /clusterKwargs.*address/s],
    [{ address: "tls://a:1" }, /certificates/],
    [{ address: "tcp://a:1", security }, /security/],
    [{ address: "tls://a:1", security: { tlsCaFile: "ca.pem" } }, /tlsClientCert/],
    [{ clusterKwargs: { n_workers: () => 4 } }, /clusterKwargs\.n_workers/],
    [{ clientKwargs: { asynchronous: true } }, /clientKwargs\.asynchronous/],
    [{ clientKwargs: { timeout: -1 } }, /seconds above 0/],
    [{ flowsPerWorker: 0 }, /at least 1/],
    [{ env: { A: 1 } }, /env\.A/],
    [{ external: "sharp" }, /list of texts/],
  ])("%j is refused", (options, message) => {
    expect(() => new DaskTaskRunner(options as DaskTaskRunnerOptions)).toThrow(message);
  });

  test("equal ones are one cluster, whatever the order of their keys", () => {
    const one = new DaskTaskRunner({ clusterKwargs: { n_workers: 2, threads_per_worker: 1 } });
    const other = new DaskTaskRunner({ clusterKwargs: { threads_per_worker: 1, n_workers: 2 } });
    const third = new DaskTaskRunner({ clusterKwargs: { n_workers: 3 } });
    expect(describe(one.description)).toBe(describe(other.description));
    expect(describe(third.description)).not.toBe(describe(one.description));
  });

  test("a description holds no key", () => {
    const runner = new DaskTaskRunner({
      address: "tls://a:1",
      security: { ...security, tlsClientKey: "-----BEGIN PRIVATE KEY-----\nsecret" },
    });
    expect(JSON.stringify(runner.description)).not.toContain("secret");
  });
});
