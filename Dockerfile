# The image of a release: the static program of the platform and nothing else. The release workflow puts the programs
# into dist/amd64 and dist/arm64.
FROM scratch
ARG TARGETARCH
COPY --chmod=0755 dist/${TARGETARCH}/confscan /confscan
# Nobody in particular; `--user "$(id -u)"` reads files that only you may read.
USER 65532:65532
WORKDIR /work
ENTRYPOINT ["/confscan"]
