"""Who may ask: HTTP basic and the two JWTs (HS256, by hand: one algorithm, forty lines)."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

ACCESS_SECONDS = 900
REFRESH_SECONDS = 30 * 86_400
HEADER = {"alg": "HS256", "typ": "JWT"}


class Refused(Exception):
    """401; `detail` is the bot's word, `challenge` the WWW-Authenticate header or empty."""

    def __init__(self, detail: str, challenge: str = "", *, expired: bool = False) -> None:
        super().__init__(detail)
        self.expired = expired
        self.detail = detail
        self.challenge = challenge


class Doorkeeper:
    def __init__(self, username: str, password: str, secret: str) -> None:
        self.username = username
        self.secret = secret
        self.basic = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
        self._good: dict[str, float] = {}  # access tokens already checked -> expiry

    def admit(self, authorization: str) -> None:
        """A protected endpoint. Raises Refused."""
        scheme, _, credentials = authorization.partition(" ")
        if scheme.lower() == "bearer":
            self.check(credentials, "access")
        elif not self._is_right(authorization):
            raise Refused("Unauthorized")

    def login(self, authorization: str) -> dict[str, str]:
        """Raises Refused."""
        if not authorization.lower().startswith("basic "):
            raise Refused("Not authenticated", "Basic")
        if not self._is_right(authorization):
            raise Refused("Incorrect username or password")
        return {"access_token": self.token("access"), "refresh_token": self.token("refresh")}

    def refresh(self, authorization: str) -> dict[str, str]:
        """Raises Refused."""
        self.check(authorization.partition(" ")[2], "refresh")
        return {"access_token": self.token("access")}

    def token(self, kind: str) -> str:
        now = int(time.time())
        lasts = ACCESS_SECONDS if kind == "access" else REFRESH_SECONDS
        claims = {"identity": {"u": self.username}, "exp": now + lasts, "iat": now, "type": kind}
        return signed(claims, self.secret)

    def check(self, token: str, kind: str) -> None:
        """Raises Refused for a token that is broken, expired, of the other kind or not ours."""
        if kind == "access" and self._good.get(token, 0.0) > time.time():
            return
        claims = self._claims(token)
        expired = claims.get("exp", 0) <= time.time()
        if claims.get("type") != kind or expired:
            raise Refused("Could not validate credentials", "Bearer", expired=expired)
        if kind == "access":
            self._good[token] = claims["exp"]

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            head, payload, signature = token.split(".")
            right = hmac.compare_digest(signature, signature_of(f"{head}.{payload}", self.secret))
            claims = json.loads(unpacked(payload))
        except ValueError:
            raise Refused("Could not validate credentials", "Bearer") from None
        if not right or not isinstance(claims, dict):
            raise Refused("Could not validate credentials", "Bearer")
        return claims

    def _is_right(self, authorization: str) -> bool:
        return hmac.compare_digest(authorization.encode(), self.basic.encode())


def signed(claims: dict[str, Any], secret: str) -> str:
    text = f"{packed(json.dumps(HEADER, separators=(',', ':')))}.{packed(json.dumps(claims, separators=(',', ':')))}"
    return f"{text}.{signature_of(text, secret)}"


def signature_of(text: str, secret: str) -> str:
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def packed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def unpacked(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
