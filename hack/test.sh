#!/usr/bin/env bash
# Everything, the fast part first: checks, data plane and sync, the control-plane ring, the cluster ring.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
reports=build/reports
rm -rf $reports && mkdir -p $reports
trap '$bin/python hack/summary.py $reports' EXIT

bash hack/check.sh
$bin/python -m e2e.cluster binaries kube-apiserver etcd kube-controller-manager kubectl >/dev/null
$bin/python -m e2e.cluster binaries versitygw fake-gcs-server registry >/dev/null
$bin/python -m e2e.cluster azurite >/dev/null
$bin/python -m e2e.cluster mlflow >/dev/null
# The rings start hundreds of operators, each a process of its own: none of them should have to compile itself.
$bin/python -m compileall -q operator
more=(--cov --cov-append --cov-report=)
$bin/pytest tests/dataplane tests/sync tests/requestlog -n 2 -q --junitxml="$reports/2-data.xml" "${more[@]}"
$bin/pytest tests/controlplane -n 2 -q --junitxml="$reports/3-controlplane.xml" "${more[@]}"
$bin/coverage report --fail-under=90
$bin/python -m e2e.cluster up
$bin/pytest e2e -q --junitxml="$reports/4-cluster.xml"
