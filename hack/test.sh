#!/usr/bin/env bash
# Everything, the fast part first: checks, the control-plane ring, the cluster ring.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
export TRITIUM_REPORTS=${TRITIUM_REPORTS:-build/reports}
rm -rf "$TRITIUM_REPORTS" && mkdir -p "$TRITIUM_REPORTS"
trap '$bin/python hack/summary.py "$TRITIUM_REPORTS"' EXIT

bash hack/check.sh
$bin/python -m e2e.cluster binaries kube-apiserver etcd kube-controller-manager kubectl >/dev/null
$bin/pytest tests/controlplane -n 2 -q --junitxml="$TRITIUM_REPORTS/2-controlplane.xml"
$bin/python -m e2e.cluster up
$bin/pytest e2e -q --junitxml="$TRITIUM_REPORTS/3-cluster.xml"
