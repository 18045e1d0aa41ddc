# The hub as an image. `docker run screening-hub` is every role in one process, embedded; `... run worker` is one role.
FROM python:3.12-slim-bookworm

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

RUN useradd --system --user-group --uid 10001 --no-create-home --shell /usr/sbin/nologin hub \
 && install --directory --owner hub --group hub /var/lib/hub

# The dependencies by themselves: they change seldom, and this layer with them.
WORKDIR /app
COPY requirements.lock requirements-sqs.lock ./
# `--build-arg EXTRA=sqs` for those to whom NHS England delivers events of PDS over SQS.
ARG EXTRA=
RUN pip install --require-hashes --only-binary :all: -r requirements.lock ${EXTRA:+-r requirements-$EXTRA.lock}

# The hub stays where it is copied to, because its tables stand beside it. All of it is root's: it cannot change itself.
COPY pyproject.toml README.md LICENSE ./
COPY mappings mappings
COPY adapters adapters
COPY hub hub
RUN pip install --no-deps --no-build-isolation --no-index -e . \
 && python -m compileall -q hub adapters

ENV HUB_DATA=/var/lib/hub HUB_MLLP_HOST=0.0.0.0 HUB_PARTNERS_HOST=0.0.0.0 HUB_HTTP_HOST=0.0.0.0 HUB_LOG_FORMAT=json
USER hub
EXPOSE 2575 2580 8080

# Alive, not ready: a hub whose database is away is not mended by a new start. No proxy stands before ourselves.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["python", "-c", "import os, urllib.request as web; \
port = os.environ.get('HUB_HTTP_PORT') or '8080'; \
web.build_opener(web.ProxyHandler({})).open(f'http://127.0.0.1:{port}/health', timeout=4)"]

ENTRYPOINT ["hub"]
CMD ["up"]
