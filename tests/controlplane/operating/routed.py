"""The operator with a way to the stub kubelet's pods, as a cluster's network has one (see addresses.py).

python -m tests.controlplane.operating.routed
"""

from __future__ import annotations

import runpy

from tests.controlplane.addresses import stand_in, stand_in_host
from tritium.loop import prober
from tritium.probes import triton_http

if __name__ == "__main__":
    prober.address = stand_in
    triton_http.host = stand_in_host
    runpy.run_module("tritium", run_name="__main__", alter_sys=True)
