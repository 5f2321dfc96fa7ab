# syntax=docker/dockerfile:1

FROM python:3.13-slim AS build
WORKDIR /build
# The program's environment has no pip of its own; this stage's pip fills it.
RUN python -m venv --without-pip /opt/sitrep
COPY requirements.txt requirements-dev.txt ./
RUN pip --python /opt/sitrep/bin/python install --no-cache-dir --only-binary :all: \
        --require-hashes --requirement requirements.txt
# The build backend comes from the development lock, so that it is held to its hash as well.
RUN sed -n '/^setuptools==/,/[^\\]$/p' requirements-dev.txt > backend.txt \
    && pip install --no-cache-dir --require-hashes --requirement backend.txt
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY config config
COPY incidents incidents
COPY migrations migrations
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && pip --python /opt/sitrep/bin/python install --no-cache-dir --no-deps /wheels/*.whl


FROM python:3.13-slim
RUN pip uninstall --yes --root-user-action ignore pip \
    && useradd --uid 10001 --user-group --home-dir /data --no-create-home sitrep \
    && install --directory --owner sitrep --group sitrep --mode 0750 /data
COPY --from=build /opt/sitrep /opt/sitrep
ENV PATH=/opt/sitrep/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DATABASE_URL=sqlite:////data/sitrep.db \
    HOST=0.0.0.0 \
    PORT=8080
WORKDIR /data
VOLUME /data
# By number, so that an orchestrator can see that it isn't root.
USER 10001:10001
# Metrics stay inside on 127.0.0.1:8081 unless OPS_HOST says otherwise.
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=3); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
# On SQLite `serve` brings the database to head by itself; for PostgreSQL run `sitrep migrate` first.
ENTRYPOINT ["sitrep"]
CMD ["serve"]
