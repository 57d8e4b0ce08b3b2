"""What a user tells a source beside the words to look for. Each source reads what it needs."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.errors import BadInput


@dataclass(frozen=True, slots=True)
class Options:
    path: str = ""  # folder: where it lies; archive: the .zip or .tar file
    table: str = ""  # urls: a .csv, .tsv or .parquet file
    preset: str = ""  # urls: a key of core.sources.urls.PRESETS; "" = the columns below
    url_column: str = "url"
    label_column: str = "label"
    licence_column: str = ""  # these three are optional: "" = the table has none
    creator_column: str = ""
    page_column: str = ""
    images: str = ""  # urls: the folder of the images that the table names, where they lie on this computer
    attribution: str = ""  # urls: a second table that says whose each image is (Google Landmarks v2)
    address: str = ""  # page: "https://shop.example/{class}?page={1..9}"
    selector: str = ""  # page: a CSS selector of the part of the page that counts; "" = all of it
    licence: str = ""  # a key of core.licences.FILTERS: only such; "" = any, also unknown
    size: int = 0  # results wanted in one answer; 0 = as many as the provider gives
    base: str = ""  # another address for a provider: a mirror, the demo's own server
    key: str = field(default="", repr=False)  # from the settings only, never from a job's parameters
    secret: str = field(default="", repr=False)


def refuse_licence(options: Options, why: str, instead: str) -> None:
    """Raises BadInput where a licence is asked for: `why` none can be known, and what to do `instead`."""
    if options.licence:
        raise BadInput(f"{why}, so none of its pictures passes --licence {options.licence}: {instead}.")
