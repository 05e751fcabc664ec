# docker build -t websub-hub .
# docker run -p 8080:8080 -v websub-data:/data -e WEBSUB_PUBLIC_URL=https://hub.example.com/ websub-hub
FROM node:20-bookworm-slim AS build
WORKDIR /src
COPY . .
RUN npm run -s setup \
 && node scripts/pnpm.mjs --filter @websub/hub deploy --legacy --prod /hub

FROM node:20-bookworm-slim
COPY --from=build /hub /hub
RUN install -d -o node -g node -m 700 /data
USER node
ENV NODE_ENV=production WEBSUB_HOST=0.0.0.0 WEBSUB_DATA=/data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --start-period=15s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.WEBSUB_PORT || 8080}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# The hub is process 1 and handles SIGTERM itself; give it 20 s: docker stop --time 20.
ENTRYPOINT ["node", "/hub/bin/websub-hub.js"]
CMD ["start"]
