# One image for the API, the workers and the stand-in scanner: the command chooses.
# For a build that can be repeated bit by bit, name the base by its digest:
#   docker build --build-arg NODE_IMAGE=node:24-slim@sha256:… .
ARG NODE_IMAGE=node:24-slim

# The packages that run, without those for development and without the native parts for other systems.
FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --include=optional --ignore-scripts --no-audit --no-fund \
  && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 ! -name '*-linux-gnu' -exec rm -rf {} +

FROM ${NODE_IMAGE}
# The system's certificate authorities: Temporal's client takes them for TLS. Their newest version is the right one.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production \
  MALLOC_ARENA_MAX=2 \
  DSX_HOME=/var/lib/dsx-connect \
  API_HOST=0.0.0.0 \
  API_PORT=8586
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY . .
# Workflow code is bundled here, so that a worker starts at once and with a file system that is read-only.
RUN node scripts/image/bundle-workflows.ts \
  && install -d -o node -g node -m 0700 /var/lib/dsx-connect /var/lib/dsx-connect/ledger
# The user `node` of the base image, by number so that a platform can see that it is not root.
USER 1000:1000
EXPOSE 8586
# For the API; compose switches it off for the others.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "scripts/image/health-check.ts"]
# Node is process 1 and ends in good order on SIGTERM.
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning"]
CMD ["api/main.ts"]
