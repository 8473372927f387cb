"""What can go wrong, in words a caller can act on."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, TypedDict


class FieldError(TypedDict):
    """One refused value: where it stood, as a JSON pointer, and why."""

    location: str
    pointer: str
    code: str
    detail: str


def json_pointer(path: Iterable[object]) -> str:
    """Give the JSON pointer (RFC 6901) of a path of member names and positions."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


class Problem(Exception):
    """A refusal the product foresees. The docstring of a subclass is its default message."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    error_code: ClassVar[str] = "internal_error"

    def __init__(
        self,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[FieldError] = (),
    ) -> None:
        self.detail = detail or (self.__doc__ or self.title).strip()
        self.headers = dict(headers or {})
        self.errors = list(errors)
        super().__init__(self.detail)


class Unauthenticated(Problem):
    """A valid access token is required: send `Authorization: Bearer <token>`."""

    status = 401
    title = "Not signed in"
    error_code = "unauthenticated"

    def __init__(self, detail: str | None = None, *, invalid_token: bool = False) -> None:
        challenge = 'Bearer realm="todo"' + (', error="invalid_token"' if invalid_token else "")
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class Forbidden(Problem):
    """The resource is not yours to use."""

    status = 403
    title = "Forbidden"
    error_code = "forbidden"


class NotFound(Problem):
    """There is nothing at this address."""

    status = 404
    title = "Not found"
    error_code = "not_found"


class MethodNotAllowed(Problem):
    """The address does not answer that method; `Allow` lists those it does."""

    status = 405
    title = "Method not allowed"
    error_code = "method_not_allowed"


class BodyTooSlow(Problem):
    """The request body did not arrive in time."""

    status = 408
    title = "Body too slow"
    error_code = "body_too_slow"

    def __init__(self) -> None:
        super().__init__(headers={"Connection": "close"})


class Conflict(Problem):
    """The request clashes with another one."""

    status = 409
    title = "Conflict"
    error_code = "conflict"


class Gone(Problem):
    """What was asked for is not kept any more."""

    status = 410
    title = "Gone"
    error_code = "gone"


class PreconditionFailed(Problem):
    """The resource changed since you read it."""

    status = 412
    title = "Precondition failed"
    error_code = "precondition_failed"


class BodyTooLarge(Problem):
    """The request body is larger than this server takes."""

    status = 413
    title = "Body too large"
    error_code = "body_too_large"


class UnsupportedMediaType(Problem):
    """The body is of a kind that is not taken here; `Accept` lists those that are."""

    status = 415
    title = "Unsupported media type"
    error_code = "unsupported_media_type"

    def __init__(self, detail: str | None = None, *, accepted: Iterable[str] = ()) -> None:
        super().__init__(detail, headers={"Accept": ", ".join(accepted)})


class ValidationFailed(Problem):
    """The request breaks the rules listed in `errors`."""

    status = 422
    title = "Validation failed"
    error_code = "validation_failed"


class TooManyRequests(Problem):
    """You ask too often, or for too much at once: wait before you ask again."""

    status = 429
    title = "Too many requests"
    error_code = "too_many_requests"

    def __init__(self, detail: str | None = None, *, retry_after_seconds: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})


class UnreadableFile(ValidationFailed):
    """The file is not what it should be, so nothing of it was taken."""

    title = "Unreadable file"
    error_code = "unreadable_file"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail)
        self.errors.append({"location": "body", "pointer": "", "code": "unreadable", "detail": self.detail})


class InternalError(Problem):
    """The server failed unexpectedly. Quote the request id when you report this."""


class Unavailable(Problem):
    """The service cannot answer right now; try again shortly."""

    status = 503
    title = "Temporarily unavailable"
    error_code = "unavailable"

    def __init__(self, detail: str | None = None, *, retry_after_seconds: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})


class CannotStart(Exception):
    """The product cannot start; the message is one sentence that says what to do."""
