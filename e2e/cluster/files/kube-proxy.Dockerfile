ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY kube-proxy /usr/local/bin/kube-proxy
