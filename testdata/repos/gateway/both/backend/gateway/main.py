"""Routes calls to the providers behind the gateway."""

from fastapi import FastAPI

app = FastAPI(title="gateway")


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}
