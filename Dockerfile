# The operator's image: the base's Python, the locked packages, the project. No pip, no compiler, not root.
#
# The context must hold requirements/runtime.txt, wheels/ (what that lock names, and the project's own wheel) and
# pip/ (pip's own wheel, which runs as it is). `python -m e2e.cluster images operator` prepares it and builds. Nothing
# is fetched while building, and there are only instructions that every builder knows.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS install
COPY requirements/ /requirements/
COPY pip/ /pip/
COPY wheels/ /wheels/
RUN set -eu; \
    pip="python3 $(echo /pip/pip-*.whl)/pip --disable-pip-version-check --no-cache-dir"; \
    target="--root-user-action=ignore --no-warn-script-location --target /opt/tritium"; \
    own="$(echo /wheels/tritium-*.whl)"; \
    $pip install $target --no-index --find-links /wheels --require-hashes -r /requirements/runtime.txt; \
    $pip install $target --no-index --no-deps --upgrade "$own"; \
    find /opt/tritium -type d -name tests -prune -exec rm -rf {} +

FROM ${BASE_IMAGE}
# A published Python base brings pip, which a running operator has no use for.
RUN rm -rf /usr/local/lib/python3*/site-packages/pip* /usr/local/lib/python3*/site-packages/setuptools* \
           /usr/local/lib/python3*/site-packages/wheel* /usr/local/lib/python3*/ensurepip /usr/local/bin/pip*
COPY --from=install /opt/tritium /opt/tritium
ENV PYTHONPATH=/opt/tritium \
    PATH=/opt/tritium/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["python3", "-m", "tritium"]
