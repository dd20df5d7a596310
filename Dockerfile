# Collegium's server with the built web client. Built and run as an ordinary user; the data lives in /data.
FROM python:3.13-slim-bookworm AS build
WORKDIR /app
COPY . .
RUN python run --build-only

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /app collegium && install -d -o collegium /data
WORKDIR /app
COPY --from=build /app /app
USER collegium
ENV COLLEGIUM_DATA=/data COLLEGIUM_HOST=0.0.0.0 COLLEGIUM_PORT=8400
EXPOSE 8400
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s CMD [".venv/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8400/healthz', timeout=2)"]
CMD [".venv/bin/python", "-m", "server", "serve"]
