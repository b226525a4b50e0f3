"""What a `Content-Type` says of a body: its kind, and how its text is written."""

import re
from dataclasses import dataclass

_NAME = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([A-Za-z0-9._-]{1,40})", re.IGNORECASE)
_KNOWN_CHARSETS = re.compile(
    r"utf-?(8|16|16[bl]e|32|32[bl]e)|us-ascii|ascii|latin-?1|iso-?8859-\d{1,2}|windows-\d{3,4}|cp\d{3,4}"
    r"|koi8-[ru]|shift_jis|sjis|euc-(jp|kr)|iso-2022-(jp|kr)|gb2312|gbk|gb18030|big5(-hkscs)?|macintosh|tis-620",
    re.IGNORECASE,
)
"""Encodings of text. Python knows more, some of which take forever or give what is no text."""

_TEXT_APPLICATIONS = frozenset(
    {
        "application/ecmascript",
        "application/graphql",
        "application/javascript",
        "application/jwt",
        "application/ld+json",
        "application/sql",
        "application/toml",
        "application/x-javascript",
        "application/x-ndjson",
        "application/jsonl",
        "application/x-sh",
        "application/x-www-form-urlencoded",
        "application/x-yaml",
        "application/yaml",
        "application/xml",
    }
)
_TEXT_SUFFIXES = ("+xml", "+yaml", "+json-seq")
_ANY = "application/octet-stream"


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaType:
    """`type/subtype` in lower case, `application/octet-stream` where nothing readable was said, and the charset."""

    name: str
    charset: str = ""
    is_unknown: bool = False

    @property
    def kind(self) -> str:
        return self.name.partition("/")[0]

    @property
    def is_json(self) -> bool:
        return self.name in {"application/json", "text/json"} or self.name.endswith(
            "+json"
        )

    @property
    def is_text(self) -> bool:
        return (
            self.kind == "text"
            or self.is_json
            or self.name in _TEXT_APPLICATIONS
            or self.name.endswith(_TEXT_SUFFIXES)
        )

    def decoded(self, body: bytes) -> str:
        """The text of a body; what is no character in its encoding becomes U+FFFD."""
        encoding = self.charset if _KNOWN_CHARSETS.fullmatch(self.charset) else "utf-8"
        if encoding.lower() in {"utf-8", "utf8"}:
            encoding = "utf-8-sig"
        try:
            return body.decode(encoding, errors="replace")
        except LookupError:
            return body.decode("utf-8", errors="replace")


def media_type_of(header: str) -> MediaType:
    """What a `Content-Type` header says."""
    name = header.partition(";")[0].strip().lower()
    if not _NAME.fullmatch(name) or len(name) > 200:
        return MediaType(name=_ANY, is_unknown=True)
    charset = _CHARSET.search(header)
    return MediaType(name=name, charset=charset[1] if charset else "")
