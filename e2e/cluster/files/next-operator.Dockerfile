# The operator as a later version of it could be: it has model pods end later, and changes nothing else.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
USER 0
RUN cd /opt/tritium/tritium/resources && \
    sed -i 's/^EXIT_TIMEOUT: Final = 45$/EXIT_TIMEOUT: Final = 46/' triton.py && \
    grep -q '^EXIT_TIMEOUT: Final = 46$' triton.py
USER 65532:65532
