# syntax=docker/dockerfile:1
FROM python:3.11

RUN apt-get update && apt-get install -y --no-install-recommends entr supervisor && rm -rf /var/lib/apt/lists/*

COPY --from=ghcr.io/astral-sh/uv:0.8.22 /uv /uvx /bin/

WORKDIR /app

COPY pyproject.toml uv.lock ./
RUN uv sync --frozen

COPY docker/supervisor/supervisord.dev.conf /etc/supervisor/supervisord.conf

ENV PATH="/app/.venv/bin:$PATH"

CMD ["supervisord", "-c", "/etc/supervisor/supervisord.conf"]
