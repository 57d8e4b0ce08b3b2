"""The text of a page from its bytes."""

from __future__ import annotations

import codecs
import re

MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
HEADER = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
META = re.compile(rb"<meta\s[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
META_WITHIN = 4096  # bytes
# The encodings of the Encoding Standard, by Python's names. Python has others, some of them slow enough to be a trap.
PAGES = re.compile(
    r"utf-(8|16(-[bl]e)?)|ascii|iso8859-\d+|cp(1250|1251|1252|1253|1254|1255|1256|1257|1258|866|874|932|949)|koi8-[ru]"
    r"|mac-(roman|cyrillic)|gb2312|gbk|gb18030|big5(hkscs)?|euc_(jp|kr)|shift_jis(x0213|_2004)?|iso2022_jp"
)
SEVEN_BIT = ("utf-16", "utf-16-le", "utf-16-be", "iso2022_jp")  # these may look like UTF-8 and are not


def decode(body: bytes, content_type: str = "") -> str:
    """What stands in a page: by its byte order mark, as UTF-8 where it is that, else as header or <meta> say.

    Text of another encoding is hardly ever UTF-8 by chance, but a wrong label is frequent: so the bytes are believed
    before the label. Without a label: Windows' Western European, as browsers do. What cannot be read becomes U+FFFD.
    """
    for mark, name in MARKS.items():
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    header, meta = HEADER.search(content_type), META.search(body[:META_WITHIN])
    named = _encoding(header[1] if header else "") or _encoding(meta[1].decode("ascii") if meta else "")
    if named in SEVEN_BIT:
        return body.decode(named, "replace")
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode(named or "cp1252", "replace")


def _encoding(label: str) -> str:
    """Python's name for an encoding; "" for an unknown one, and for those that pages are not written in."""
    try:
        name = codecs.lookup(label).name
    except LookupError:
        return ""
    name = {"ascii": "cp1252", "iso8859-1": "cp1252"}.get(name, name)  # by the Encoding Standard
    return name if PAGES.fullmatch(name) else ""
