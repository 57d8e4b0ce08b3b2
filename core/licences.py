"""Licences by the names people use, whatever a provider calls them, and which of them allow what."""

from __future__ import annotations

import re

from core.model import UNKNOWN_LICENCE

RESERVED = "All rights reserved"  # a fact about an image, unlike "unknown"
NOTHING_KNOWN = "No known copyright restrictions"  # what museums say of old pictures; it promises nothing
PUBLIC_DOMAIN = "Public domain"
US_GOVERNMENT = "Public domain (US government work)"
LONGEST = 100  # characters of a licence that is none of those below; what the database keeps

CC = re.compile(
    r"creativecommons\.org/(licenses|publicdomain)/([a-z+-]+)(?:/(\d\.\d)(?:/([a-z]{2}|igo|scotland)\b(?!\.))?)?",
    re.IGNORECASE,
)
PUBLIC = {"cc0": "CC0", "zero": "CC0", "pdm": "Public Domain Mark", "mark": "Public Domain Mark"}

# What a user may ask for -> the sentence for it. Each is a narrower choice than the one before.
FILTERS = {
    "known": "any licence, if the source names one",
    "open": "may be copied with credit: Creative Commons and public domain",
    "commercial": "may also be used to earn money: without NC",
    "alterable": "may also be altered, cropped for example: without NC and ND",
    "public": "public domain only: no conditions",
}

# How a licence is written, all in lower case -> its name. Creative Commons' six are read by _creative.
_WRITTEN = tuple((re.compile(pattern), known) for pattern, known in (
    (r"|unknown|none|n/?a|-|not (?:specified|provided|available)|unspecified|see (?:page|source)", UNKNOWN_LICENCE),
    (r"(?:©.{0,80}?|\(c\).{0,80}?|copyright.{0,80}?)?all rights reserved\.?|in copyright|copyrighted", RESERVED),
    (r"no known copyright(?: restrictions)?|no (?:copyright )?restrictions|flickr-no known copyright restrictions",
     NOTHING_KNOWN),
    (r"united states government work|us government work|pd[ -]us-?gov[\w -]*", US_GOVERNMENT),
    (r"public[ -]domain mark(?: 1\.0)?|pdm(?: 1\.0)?|pd-?mark", "Public Domain Mark 1.0"),
    (r"(?:cc|creative commons)[ -]?(?:cc)?(?:0|zero)(?:[ -]1\.0)?(?: universal)?(?:,? public domain dedication)?"
     r"|public domain dedication \(cc0\)", "CC0 1.0"),
    (r"public[ -]domain|pd(?:-[\w -]+)?", PUBLIC_DOMAIN),
    (r"(?:gfdl|gnu free documentation licen[sc]e)", "GFDL"),
    (r"(?:gfdl|gnu free documentation licen[sc]e)[ -]?(?:version |v)?1\.2(?: or later|\+)?", "GFDL 1.2"),
    (r"(?:gfdl|gnu free documentation licen[sc]e)[ -]?(?:version |v)?1\.3(?: or later|\+)?", "GFDL 1.3"),
    (r"fal|lal|free art licen[sc]e(?: 1\.3)?|licence art libre", "Free Art License"),
    (r"attribution", "Attribution"),  # Commons' own: not Creative Commons'
    (r"copyrighted free use", "Copyrighted free use"),
))  # fmt: skip

_URLS = {
    NOTHING_KNOWN: "https://www.flickr.com/commons/usage/",
    US_GOVERNMENT: "https://www.usa.gov/government-copyright",
    "GFDL": "https://www.gnu.org/copyleft/fdl.html",
    "GFDL 1.2": "https://www.gnu.org/licenses/old-licenses/fdl-1.2.html",
    "GFDL 1.3": "https://www.gnu.org/licenses/fdl-1.3.html",
    "Free Art License": "https://artlibre.org/licence/lal/en/",
}

_WORDS = (
    (r"creative commons", "cc"), (r"attribution", "by"), (r"share[ -]?alike", "sa"),
    (r"non-?commercial", "nc"), (r"no[ -]?deriv(?:ative)?s?(?: works)?", "nd"),
    (r"\b(?:licen[sc]e|international|unported|generic|migrated)\b", " "), (r"[-_,/() ]+", " "),
)  # fmt: skip
_CODES = re.compile(r"(cc )?((?:by|nc|nd|sa)(?: (?:by|nc|nd|sa)){0,3})(?: v?(\d(?:\.\d)?)(?: \d\.\d)*)?"
                    r"(?: ([a-z]{2}|igo|scotland))?")  # fmt: skip
_NAME = re.compile(r"CC (BY(?:-NC)?(?:-SA|-ND)?|SA|NC|NC-SA|ND|ND-NC)(?: (\d\.\d)(?: ([A-Z]{2,8}))?)?")


def name(slug: str, version: str = "") -> str:
    """Creative Commons' own words: by-sa, 4.0 -> "CC BY-SA 4.0"; cc0, 1.0 -> "CC0 1.0"; no code -> "unknown"."""
    slug = slug.strip().lower()
    if not slug:
        return UNKNOWN_LICENCE
    known = PUBLIC.get(slug) or f"CC {slug.upper().replace('SAMPLING', 'Sampling')}"
    return f"{known} {version.strip()}".strip()


def of_url(url: str) -> str:
    """The name of the licence that an address of creativecommons.org stands for; "unknown" for any other address."""
    found = CC.search(url)
    if not found:
        return UNKNOWN_LICENCE
    version = found[3] or ""
    country = f" {found[4].upper()}" if found[4] and version < "4" else ""  # 4.0 has no versions for countries
    return name(found[2], version) + country


def plain(text: str) -> str:
    """The one name for a licence, however it is written: "cc-by-sa-3.0,2.5" -> "CC BY-SA 3.0".

    Of several versions the first counts. An address of creativecommons.org is read too. "unknown" for nothing; what is
    none of the well-known licences stays as it is written, up to LONGEST characters. A name stays what it is.
    """
    tidy = " ".join(text.split())[:LONGEST].strip()
    if re.match(r"(https?:)?//", tidy, re.IGNORECASE):
        known = of_url(tidy)
        return tidy if known == UNKNOWN_LICENCE else known
    low = tidy.lower()
    for pattern, known in _WRITTEN:
        if pattern.fullmatch(low):
            return known
    return _creative(low) or tidy


def _creative(low: str) -> str:
    """The name of a Creative Commons licence written in codes or in words, lower case; "" for anything else."""
    codes = low
    for pattern, code in _WORDS:
        codes = re.sub(pattern, code, codes)
    found = _CODES.fullmatch(codes.strip())
    if not found:
        return ""
    parts = set(found[2].split())
    # One word alone may mean something else, as Commons' own licence "Attribution" does.
    sure = found[1] or ("by" in parts and (len(parts) > 1 or found[3] or low == "by"))
    if not sure or len(parts) < len(found[2].split()):
        return ""
    version = found[3] or ""
    version += ".0" if version and "." not in version else ""
    country = f" {found[4].upper()}" if found[4] and version < "4" else ""
    return name("-".join(code for code in ("by", "nc", "sa", "nd") if code in parts), version) + country


def url_of(licence: str) -> str:
    """The address of a licence by its name (see `plain`); "" where there is none, or its version is not known."""
    if licence.startswith("CC0"):
        return "https://creativecommons.org/publicdomain/zero/1.0/"
    if licence.startswith("Public Domain Mark"):
        return "https://creativecommons.org/publicdomain/mark/1.0/"
    found = _NAME.fullmatch(licence)
    if found and found[2]:
        country = f"{found[3].lower()}/" if found[3] else ""
        return f"https://creativecommons.org/licenses/{found[1].lower()}/{found[2]}/{country}"
    return _URLS.get(licence, "")


def allowed(licence: str, wanted: str) -> bool:
    """Whether a licence, however it is written, passes a filter of FILTERS ("" lets all pass).

    What is no Creative Commons licence and not in the public domain passes no more than "known".
    """
    known = plain(licence)
    public = known in (PUBLIC_DOMAIN, US_GOVERNMENT) or known.startswith(("CC0", "Public Domain Mark"))
    found = _NAME.fullmatch(known)
    codes = set(found[1].split("-")) if found else set()
    opened = public or "BY" in codes
    return {
        "": True,
        "known": known != UNKNOWN_LICENCE,
        "open": opened,
        "commercial": opened and "NC" not in codes,
        "alterable": opened and codes.isdisjoint({"NC", "ND"}),
        "public": public,
    }[wanted]
