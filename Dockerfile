# One image, two programs: the sidecar (the entry point) and the command line (node /app/lychgate.js).
# Pin both by digest for a release: docker build --build-arg RUN_IMAGE=name@sha256:...
ARG BUILD_IMAGE=node:26-trixie-slim
ARG RUN_IMAGE=node:26-trixie-slim

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
WORKDIR /app
COPY LICENSE ./
COPY --from=build /src/dist ./
# A number, so that runAsNonRoot can be checked without looking into the image.
USER 65532:65532
EXPOSE 8443 9844
# Body bytes live in young buffers: with Node's default of 16 some 75 MiB of them wait for a collection during a long
# upload, with 1 some 25. `npm run test:slow` measures it under these very flags.
ENTRYPOINT ["node", "--max-semi-space-size=1", "/app/sidecar.js"]
