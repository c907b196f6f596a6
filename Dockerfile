# Two images from one file; see "In a container" in README.md.
#
#   docker build --target gateway  -t cos-ftp-gateway .
#   docker build --target operator -t cos-ftp-gateway-operator .
#
# Both run as user 65532 with a read-only root and without any capability. Node runs the sources as they
# are; there is nothing to compile.

# What npm installs from the lock file, here and for the operator below: without tools of development (their entries are taken out before,
# so that npm ci asks for no other platform's binaries), without ftp-srv's optional native logger, and
# without the packages only the other image imports.
FROM node:24-bookworm-slim AS gateway-packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm pkg delete devDependencies 'dependencies.@kubernetes/client-node' \
 && npm ci --omit=dev --omit=optional --no-audit --no-fund \
 && npm cache clean --force

# Node keeps compiled code per version, flags and user: a first run here, as the user and with the flags
# of the image, saves every container the type stripper and the compiler.
FROM node:24-bookworm-slim AS gateway-files
WORKDIR /app
COPY --from=gateway-packages /app/node_modules node_modules
COPY package.json ./
COPY bin bin
COPY gateway gateway

FROM gateway-files AS gateway-warm
COPY scripts/warm-start.ts scripts/
RUN install -d -o 65532 -g 65532 /compile-cache /data
WORKDIR /data
ENV NODE_COMPILE_CACHE=/compile-cache
USER 65532:65532
RUN ["node", "/app/scripts/warm-start.ts", "/app/bin/cos-ftp-gateway.mjs", "serve", "--demo"]

FROM gateway-files AS gateway
COPY --from=gateway-warm /compile-cache /app/compile-cache
# Open to any user, also when a tmpfs is put over it: a tmpfs takes its mode from here.
RUN install -d -m 1777 /data
WORKDIR /data
# COSFTP_DEFAULTS is no word of the configuration: it chooses other defaults, which any word overrides.
ENV NODE_ENV=production NODE_COMPILE_CACHE=/app/compile-cache COSFTP_DEFAULTS=container
USER 65532:65532
EXPOSE 2121 9990 9121 61000-61015
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "/app/bin/healthcheck.mjs"]
ENTRYPOINT ["node", "--max-semi-space-size=4", "/app/bin/cos-ftp-gateway.mjs"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="cos-ftp-gateway" \
      org.opencontainers.image.description="FTP server that stores into Tencent Cloud COS" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

FROM node:24-bookworm-slim AS operator-packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm pkg delete devDependencies dependencies.cos-nodejs-sdk-v5 dependencies.fast-xml-parser \
      dependencies.ftp-srv dependencies.iconv-lite dependencies.mime dependencies.rotating-file-stream \
 && npm ci --omit=dev --omit=optional --no-audit --no-fund \
 && npm cache clean --force

FROM node:24-bookworm-slim AS operator-files
WORKDIR /app
COPY --from=operator-packages /app/node_modules node_modules
COPY package.json ./
COPY bin/node-version.mjs bin/
COPY gateway/kit gateway/kit
COPY gateway/config gateway/config
COPY operator operator

FROM operator-files AS operator-warm
RUN install -d -o 65532 -g 65532 /compile-cache
ENV NODE_COMPILE_CACHE=/compile-cache
USER 65532:65532
RUN ["node", "--max-semi-space-size=4", "/app/operator/main.ts", "--help"]

FROM operator-files AS operator
COPY --from=operator-warm /compile-cache /app/compile-cache
ENV NODE_ENV=production NODE_COMPILE_CACHE=/app/compile-cache
USER 65532:65532
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "--max-semi-space-size=4", "/app/operator/main.ts"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="cos-ftp-gateway-operator" \
      org.opencontainers.image.description="Runs COS FTP gateways on Kubernetes from FtpGateway resources" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
