"""An issuer without a server: an RSA key made for this run, its JWK set, and tokens.

Written out here so that the benchmark needs nothing but Python's standard library. Fit for nothing
else: the arithmetic takes as long as the key's bits say.
"""

import base64
import copy
import hashlib
import json
import random
import secrets
import time

AUDIENCE = "bench"
# RFC 8017, section 9.2, note 1: the DigestInfo of SHA-256.
SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
BITS = 2048


def is_prime(candidate, rounds=24):
    """Miller and Rabin's test; wrong at most once in 4^24 times."""
    odd, twos = candidate - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(rounds):
        x = pow(random.randrange(2, candidate - 1), odd, candidate)
        if x in (1, candidate - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % candidate
            if x == candidate - 1:
                break
        else:
            return False
    return True


def prime(bits):
    """A prime whose two highest bits are set, so that two of them make a modulus of full length."""
    while True:
        candidate = secrets.randbits(bits) | (3 << (bits - 2)) | 1
        if all(candidate % small for small in (3, 5, 7, 11, 13, 17, 19, 23)) and is_prime(candidate):
            return candidate


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value):
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Issuer:
    """The issuer at `url`, with one key that signs."""

    def __init__(self, url):
        self.url = url
        self.public = 65537
        while True:
            p, q = prime(BITS // 2), prime(BITS // 2)
            order = (p - 1) * (q - 1)
            if p != q and order % self.public:
                break
        self.modulus = p * q
        self.private = pow(self.public, -1, order)
        self.kid = secrets.token_hex(8)
        # Keys that are published beside it, and sign nothing.
        self.others = []

    def sibling(self, url, keys):
        """One with the same key at another URL, which publishes so many; its own comes last."""
        sibling = copy.copy(self)
        sibling.url = url
        sibling.others = [(secrets.token_hex(8), secrets.randbits(BITS) | (1 << (BITS - 1)) | 1)
                          for _ in range(keys - 1)]
        return sibling

    def discovery(self):
        """What is at `/.well-known/openid-configuration`."""
        return {"issuer": self.url, "jwks_uri": f"{self.url}/jwks.json"}

    def jwks(self):
        """What is at `/jwks.json`."""
        return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
                          "n": number(modulus), "e": number(self.public)}
                         for kid, modulus in [*self.others, (self.kid, self.modulus)]]}

    def token(self, subject, lifetime=4 * 3600):
        """A token for `subject`, signed with RS256, with the claims that Auth0's have."""
        now = int(time.time())
        header = {"alg": "RS256", "typ": "JWT", "kid": self.kid}
        claims = {"iss": self.url, "sub": subject, "aud": [AUDIENCE, f"{self.url}/userinfo"],
                  "iat": now, "exp": now + lifetime, "azp": "bench-client",
                  "scope": "openid profile email"}
        signed = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
        digest = SHA256 + hashlib.sha256(signed.encode()).digest()
        length = BITS // 8
        padded = b"\0\1" + b"\xff" * (length - 3 - len(digest)) + b"\0" + digest
        signature = pow(int.from_bytes(padded, "big"), self.private, self.modulus)
        return f"{signed}.{encoded(signature.to_bytes(length, 'big'))}"
