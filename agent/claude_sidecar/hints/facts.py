"""What a hint is made of: the facts that the proxy has when an answer failed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from claude_sidecar.causes import Cause
from claude_sidecar.hints.clients import Client
from claude_sidecar.wire.credential import PLACEHOLDER, STRAY_HEADERS, Credential, find_credentials

MODEL_NAME = re.compile(r"[A-Za-z0-9._:@/-]{1,80}")
"""What a model's name may look like to be repeated in a hint."""

_SECRET_WINDOW = 6


@dataclass(frozen=True, slots=True)
class HintFacts:
    """Facts of one failed call; None or empty means not known.

    status: as delivered. error_type, error_code, error_message: of the upstream's error body (message
    bounded by its reader; matched as a last resort, never repeated). path: without its query.
    request_headers: raw lines as received. credentials_sent: names of the credential headers that went
    upstream. route_has_credential: the route that answered drops the caller's credential for its own.
    known_models: names in the last `/v1/models` answer. body_bytes: size of the request's body as far as
    it is known; base64_bytes: how much of it is base64; max_body_bytes: the policy's own limit.
    page: the beginning of a body that is no error body, for matching alone. retry_after_s: as the upstream
    said. one_model_only: the breaker's view whether the trouble is this model's alone (True) or the whole
    route's (False); failing_for_s: since when nothing but failures came. cut_after_s: a route cuts this call
    at that age. blind_repeat: who sent it again although told not to. own: the error is the sidecar's, not
    the upstream's.
    """

    status: int
    cause: Cause | None = None
    error_type: str | None = None
    error_code: str | None = None
    error_message: str | None = field(default=None, repr=False)
    path: str = "/v1/messages"
    model: str | None = field(default=None, repr=False)
    request_headers: Sequence[tuple[bytes, bytes]] = field(default=(), repr=False)
    credentials_sent: Sequence[str] = ()
    route_has_credential: bool = False
    request_has_max_tokens: bool | None = None
    known_models: Sequence[str] = ()
    body_bytes: int | None = None
    base64_bytes: int | None = None
    max_body_bytes: int | None = None
    response_headers: Sequence[tuple[bytes, bytes]] = field(default=(), repr=False)
    page: bytes = field(default=b"", repr=False)
    retry_after_s: float | None = None
    one_model_only: bool | None = None
    failing_for_s: float | None = None
    cut_after_s: float | None = None
    blind_repeat: Client | None = None
    own: bool = False

    @property
    def foreign(self) -> bool:
        """Whether the answer has no error body of the Claude API, so that something else may have made it."""
        return not self.own and self.error_type is None

    @property
    def by_gateway(self) -> bool:
        """Whether another gateway on the route speaks: such mark their own errors as we do."""
        return not self.own and (self.error_type or "").startswith("gateway_")

    @property
    def message(self) -> str:
        """The upstream's message for matching: bounded, lower case."""
        return (self.error_message or "")[:2_000].lower()

    @property
    def credentials(self) -> tuple[Credential, ...]:
        """The caller's credential lines."""
        return find_credentials(self.request_headers)

    @property
    def version(self) -> str | None:
        """The value of `anthropic-version`, None if the header did not come."""
        values = self.values_of(b"anthropic-version")
        return values[0].decode("latin-1").strip() if values else None

    @property
    def printable_model(self) -> str | None:
        """The model asked for, if it looks like a name and holds no part of a credential.

        Someone who swaps two variables sends the key as the model.
        """
        model = self.model
        if model is None or not MODEL_NAME.fullmatch(model) or "-ant-" in model.lower():
            return None
        name = model.encode("ascii")
        windows = {name[i : i + _SECRET_WINDOW] for i in range(len(name) - _SECRET_WINDOW + 1)}
        secrets = [credential.bare for credential in self.credentials if credential.bare != PLACEHOLDER]
        secrets += [value for line, value in self.request_headers if line.lower() in STRAY_HEADERS]
        return None if any(window in secret for secret in secrets for window in windows) else model

    @property
    def whose_key(self) -> str:
        """Whose credential the upstream saw."""
        return "the route's own key" if self.route_has_credential else "this key"

    def values_of(self, name: bytes) -> list[bytes]:
        """Values of a request header, by its lower-case name."""
        return [value for line, value in self.request_headers if line.lower() == name]
