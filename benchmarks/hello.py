"""The framework's limit: an empty route."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/hello")
async def say_hello() -> dict[str, str]:
    """Say it."""
    return {"message": "hello"}
