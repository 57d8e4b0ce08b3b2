"""Why a candidate brings no image: the words failures are counted under, and what each means."""

from __future__ import annotations

from collections.abc import Mapping

# reason -> what it means and what can be done. "http 404" and its like are explained by `meaning`.
FAILURES = {
    "asked for a pause": "The host wants to be left alone for a while; try again later.",
    "cancelled": "It was broken off before it was done; try again.",
    "cannot be read": "It could not be opened; the sentence beside it says why.",
    "certificate": "The host cannot prove who it is (TLS).",
    "connection": "The connection broke; try again.",
    "crashed": "Decoding it ended the process that did so: the file is broken, or made to do harm.",
    "damaged in the archive": "The archive holds it damaged.",
    "damaged": "The file starts like a picture, but its data cannot be decoded.",
    "encrypted": "It is locked with a password; unpack the archive yourself and give the folder.",
    "file name is not UTF-8": "The file's name is written in another encoding; rename it.",
    "forbidden address": "The address is private or no web address; WINNOW_ALLOW_HOSTS can allow your own hosts.",
    "licence": "Its licence is not one of those that were asked for.",
    "link in the archive": "The archive holds a link instead of a file.",
    "link out of the folder": "The file is a link that leads out of the folder given.",
    "link to a folder": "A link to a folder is not followed; its files count where they are.",
    "malformed answer": "The answer is not of the form that was wanted; the sentence beside it says why.",
    "malformed result": "The image search named an image without its address.",
    "malformed row": "The row of the table cannot be read; often a quote is never closed.",
    "malformed url": "What stands in the address column is no web address.",
    "memory": "Decoding it took more memory than one image may have.",
    "missing": "A library that the source needs is not installed.",
    "name is there twice": "The archive holds two files of this name; the first counts.",
    "no label": "There is no class beside the image.",
    "no such file": "There is no such file on this computer, or in the folder that the table goes with.",
    "noai": "The host does not want its pictures used to train a model (noai and its like).",
    "not UTF-8": "The row of the table is in another encoding; save the table as UTF-8.",
    "not a regular file": "The archive holds a device or something else that is no file.",
    "not an image": "The content is something else, whatever its name or header says.",
    "out of memory": "The picture needs more memory than one image may have.",
    "packed too tightly": "It unpacks to more than 100 times its size, as files made to do harm do.",
    "provider error": "The image search answered with an error of its own; try again later.",
    "redirects": "The address redirects too often or leads nowhere.",
    "robots unreachable": "The host's robots.txt could not be read, which counts as a no for now; try again later.",
    "robots": "The host's robots.txt does not let programs fetch this address.",
    "tdm reserved": "The host reserves the right to text and data mining (TDM-Reservation).",
    "timeout": "The host, or decoding the file, took too long.",
    "too large": "The file has more bytes than one image may have.",
    "too many pixels": "The picture has more pixels than one image may have.",
    "truncated": "The file ends before the picture does.",
    "unknown class": "The label is none of the project's classes; add it, or leave the image out.",
    "unknown compression": "The archive packs it in a way that is not read; pack it as a usual .zip.",
    "unknown host": "The host's name leads nowhere; try again, or check the address.",
    "unsafe name": "Its name leads out of the archive, or no file could have it.",
    "wrong number of fields": "The row of the table has more or fewer fields than its first line.",
}

STATUSES = {  # status of HTTP (RFC 9110), or its first digit
    "401": ": it wants a password", "403": ": it does not give this file to programs or strangers",
    "404": ": there is no such file", "410": ": there is no such file any more",
    "429": ": it was asked too often; try again later", "5": ": it has a fault of its own; try again later",
}  # fmt: skip


def meaning(reason: str) -> str:
    """One sentence for a reason that failures are counted under; "" for an unknown one."""
    kind, _, code = reason.partition(" ")
    if kind == "http":
        return f"The host answered with the error {code}{STATUSES.get(code, STATUSES.get(code[:1], ''))}."
    return FAILURES.get(reason, "")


def summary(failures: Mapping[str, int]) -> str:
    """ "12 failed: 9 http 404, 3 timeout", the most frequent first; "" where nothing failed."""
    if not failures:
        return ""
    ordered = sorted(failures.items(), key=lambda item: (-item[1], item[0]))
    return f"{sum(failures.values())} failed: " + ", ".join(f"{count} {reason}" for reason, count in ordered)
