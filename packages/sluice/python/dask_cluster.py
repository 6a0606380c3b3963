"""Holds a temporary Dask cluster for a program in Node.js, for as long as its standard input is open.

`dask_cluster.py '{"cluster_class": "distributed.LocalCluster", "cluster_kwargs": {}, "adapt_kwargs": null}'` prints one line of JSON:
`{"address", "dashboard", "versions", "security"}`, or `{"error", "traceback"}`.
"""

import importlib
import importlib.util
import json
import os
import sys
import traceback


def tell(out, message):
    os.write(out, (json.dumps(message) + "\n").encode())


def make(settings):
    module, _, name = settings["cluster_class"].replace(":", ".").rpartition(".")
    return getattr(importlib.import_module(module), name)(**settings["cluster_kwargs"])


def require_bokeh():
    """Dask would say so when the cluster ends, and its report be lost."""
    if importlib.util.find_spec("bokeh") is None:
        raise RuntimeError("performanceReportPath needs bokeh: npx sluice dask install --with bokeh")


def security_of(cluster):
    """What a client needs to connect by TLS: texts or paths, as the cluster keeps them."""
    security = getattr(cluster, "security", None)
    if not getattr(security, "require_encryption", None):
        return None
    return {"ca": security.tls_ca_file, "cert": security.tls_client_cert, "key": security.tls_client_key}


def main():
    # Standard output is for the one answer; whatever the cluster prints goes to standard error.
    out = os.dup(1)
    os.dup2(2, 1)
    settings = json.loads(sys.argv[1])
    try:
        import distributed

        if settings["performance_report"] is not None:
            require_bokeh()
        cluster = make(settings)
        if settings["adapt_kwargs"] is not None:
            cluster.adapt(**settings["adapt_kwargs"])
    except Exception as error:
        tell(out, {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()})
        return 1
    with cluster:
        report = settings["performance_report"]
        tell(
            out,
            {
                "address": cluster.scheduler_address,
                "dashboard": cluster.dashboard_link,
                "versions": {"distributed": distributed.__version__},
                "security": security_of(cluster),
            },
        )
        if report is None:
            wait()
        else:
            with distributed.Client(cluster), distributed.performance_report(filename=report):
                wait()
    return 0


def wait():
    """Returns when the program in Node.js closes the pipe, or has died."""
    while sys.stdin.buffer.read(1):
        pass


if __name__ == "__main__":
    sys.exit(main())
