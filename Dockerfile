# The operator's image: the base's Python, the locked packages, the project. No pip, no compiler, not root.
#
# The context must hold requirements/runtime.txt, wheels/ (what that lock names), own/ (the project's wheel) and
# pip/ (pip's own wheel, which runs as it is). `python -m e2e.cluster images operator` prepares it and builds. Nothing
# is fetched while building, and there are only instructions that every builder knows.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS install
ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels PIP_TARGET=/opt/tritium \
    PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY pip/ /pip/
RUN ln -s /pip/pip-*.whl /pip.whl
# What others wrote comes first and stays in the builder's cache while the project changes; of their programs none
# is needed.
COPY requirements/runtime.txt /runtime.txt
COPY wheels/ /wheels/
RUN python3 /pip.whl/pip install --no-compile --require-hashes -r /runtime.txt && rm -rf /opt/tritium/bin
# Much of what would be installed is never read: tests, static libraries, and 1,800 typed classes of Kubernetes, of which
# kopf imports three. The rest is compiled here, for a running container cannot keep it. hf_xet downloads for
# huggingface_hub, which is only asked what there is.
RUN rm -rf /opt/tritium/hf_xet && find /opt/tritium -depth \( -type d -name tests -o -name '*.a' -o -name '*.pyi' \) -exec rm -rf {} + && \
    find /opt/tritium/kubernetes -path '*/client/*' \( -path '*/models/*' -o -path '*/api/*' \) -name '[a-z]*.py' \
         ! -name v1_object_meta.py ! -name v1_owner_reference.py ! -name v1_managed_fields_entry.py -delete && \
    python3 -m compileall -q /opt/tritium
COPY own/ /own/
RUN python3 /pip.whl/pip install --no-deps /own/*.whl

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
ENTRYPOINT ["tritium"]
