# Triton for CPU, from the wheel that carries its binaries, laid out like the published image: /opt/tritonserver.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}

COPY venv/ /opt/venv/

# The Python backend starts the stub that it finds beside itself, and the stub takes its packages from the first
# python3 on PATH. Links do: the programs look for their libraries from where they really are.
RUN triton=/opt/venv/lib/python3.11/site-packages/pytriton/tritonserver \
 && mkdir -p /opt/venv/bin /opt/tritonserver/bin /opt/tritonserver/backends/python \
 && printf 'home = /usr/bin\ninclude-system-site-packages = false\n' > /opt/venv/pyvenv.cfg \
 && ln -s /usr/bin/python3 /opt/venv/bin/python3 \
 && ln -s "$triton/bin/tritonserver" /opt/tritonserver/bin/ \
 && ln -s "$triton/caches" /opt/tritonserver/caches \
 && ln -s "$triton/backends/python/libtriton_python.so" "$triton/backends/python/triton_python_backend_utils.py" \
          "$triton/python_backend_stubs/3.11/triton_python_backend_stub" /opt/tritonserver/backends/python/ \
 && echo 'triton-server:x:1000:1000::/nonexistent:/usr/sbin/nologin' >> /etc/passwd \
 && echo 'triton-server:x:1000:' >> /etc/group

ENV PATH=/opt/venv/bin:/opt/tritonserver/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
USER 1000:1000
ENTRYPOINT ["tritonserver"]
