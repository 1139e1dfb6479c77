#!/usr/bin/env bash
# Everything, the fast part first: checks, the control-plane ring, the cluster ring.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
reports=build/reports
rm -rf $reports && mkdir -p $reports
trap '$bin/python hack/summary.py $reports' EXIT

bash hack/check.sh
$bin/python -m e2e.cluster binaries kube-apiserver etcd kube-controller-manager kubectl >/dev/null
$bin/pytest tests/controlplane -n 2 -q --junitxml="$reports/2-controlplane.xml"
$bin/python -m e2e.cluster up
$bin/pytest e2e -q --junitxml="$reports/3-cluster.xml"
