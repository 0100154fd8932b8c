# One image, four programs: the sidecar (the entry point), the operator (node /app/operator.js), the sidecar's preStop hook
# (node /app/drain.js) and the command line (node /app/lychgate.js).
# Pin both bases by digest for a release:
#   docker build --build-arg BUILD_IMAGE=node@sha256:... --build-arg RUN_IMAGE=gcr.io/distroless/nodejs26-debian13@sha256:... .
# Where the bundles have been built before, nothing has to be fetched: npm run build, put dist/ below DIR/src, and add
# --build-context build=DIR (test/cluster does so).
ARG BUILD_IMAGE=node:26-trixie-slim
ARG RUN_IMAGE=gcr.io/distroless/nodejs26-debian13:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY build.ts require-node.cjs tsconfig.json ./
COPY cmd cmd
COPY pkg pkg
RUN npm run build

FROM ${RUN_IMAGE}
# Base images set some of these; the gate refuses to start with any of them, because each can add trusted CAs or code.
# Empty counts as unset.
ENV NODE_EXTRA_CA_CERTS= NODE_OPTIONS= SSL_CERT_DIR= SSL_CERT_FILE=
# `node` is in /usr/local/bin of the official images, and in /nodejs/bin of the distroless ones.
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/nodejs/bin
WORKDIR /app
COPY LICENSE ./
COPY --from=build /src/dist ./
# A number, so that runAsNonRoot can be checked without looking into the image.
USER 65532:65532
EXPOSE 8443 9443 9844 10250
# Body bytes live in young buffers: with Node's default of 16 some 75 MiB of them wait for a collection during a long
# upload, with 1 some 25. `npm run test:slow` measures it under these very flags, and `npm run bench` too.
# Maglev waits for 10,000 calls instead of 400, so that starting up does not run it: 8 MiB of compilers' code stay on disk.
# Once it is ready the sidecar lowers that to 400 again.
# The collector can be called, so that the sidecar gives back what only its start needed: 4 MiB.
ENTRYPOINT ["node", "--max-semi-space-size=1", "--invocation-count-for-maglev=10000", "--expose-gc", "/app/sidecar.js"]
