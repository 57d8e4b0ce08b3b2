"""Licences by one name each, however they are written, and what each of them allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.licences import FILTERS, NOTHING_KNOWN, RESERVED, US_GOVERNMENT, allowed, name, of_url, plain, url_of
from core.model import UNKNOWN_LICENCE


@pytest.mark.parametrize(("slug", "version", "known"), [
    ("by-sa", "4.0", "CC BY-SA 4.0"), ("BY", "2.0", "CC BY 2.0"), ("cc0", "1.0", "CC0 1.0"),
    ("pdm", "1.0", "Public Domain Mark 1.0"), ("by-nc-nd", "", "CC BY-NC-ND"), ("sampling+", "1.0", "CC Sampling+ 1.0"),
    ("", "4.0", UNKNOWN_LICENCE), ("  ", "", UNKNOWN_LICENCE),
])  # fmt: skip
def test_codes_are_written_as_people_write_them(slug, version, known):
    assert name(slug, version) == known


WRITTEN = [
    ("CC BY-SA 4.0", "CC BY-SA 4.0"), ("cc-by-sa-4.0", "CC BY-SA 4.0"), ("CC-BY-SA-4.0", "CC BY-SA 4.0"),
    ("cc by 2.0", "CC BY 2.0"), ("CC_BY_NC 3.0", "CC BY-NC 3.0"), ("CC BY-NC-SA", "CC BY-NC-SA"),
    ("CC BY 4", "CC BY 4.0"),
    ("cc-by-sa-3.0,2.5", "CC BY-SA 3.0"), ("cc-by-sa-3.0,2.5,2.0,1.0", "CC BY-SA 3.0"),
    ("cc-by-sa-3.0-migrated", "CC BY-SA 3.0"), ("CC BY-SA 3.0 de", "CC BY-SA 3.0 DE"),
    ("CC BY 3.0 IGO", "CC BY 3.0 IGO"), ("cc-by-2.5-scotland", "CC BY 2.5 SCOTLAND"), ("CC SA 1.0", "CC SA 1.0"),
    ("CC BY-ND-NC 1.0", "CC BY-NC-ND 1.0"), ("by-sa", "CC BY-SA"), ("BY", "CC BY"), ("by-nc 2.0", "CC BY-NC 2.0"),
    ("Creative Commons Attribution-Share Alike 4.0", "CC BY-SA 4.0"), ("Attribution 4.0 International", "CC BY 4.0"),
    ("Creative Commons Attribution 2.0 Generic", "CC BY 2.0"),
    ("Attribution-NonCommercial-ShareAlike License", "CC BY-NC-SA"),
    ("Creative Commons Attribution-NonCommercial-NoDerivs 2.0", "CC BY-NC-ND 2.0"),
    ("Attribution-NoDerivatives 4.0 International (CC BY-ND 4.0)", None),
    ("CC0", "CC0 1.0"), ("cc-zero", "CC0 1.0"), ("CC0 1.0 Universal", "CC0 1.0"), ("cc0-1.0", "CC0 1.0"),
    ("Creative Commons Zero, Public Domain Dedication", "CC0 1.0"), ("Public Domain Dedication (CC0)", "CC0 1.0"),
    ("Public domain", "Public domain"), ("PUBLIC DOMAIN", "Public domain"), ("pd", "Public domain"),
    ("PD-old", "Public domain"), ("PD-old-70-expired", "Public domain"), ("pd-us", "Public domain"),
    ("Public Domain Mark", "Public Domain Mark 1.0"), ("PDM 1.0", "Public Domain Mark 1.0"),
    ("PD-USGov-NASA", US_GOVERNMENT), ("United States Government Work", US_GOVERNMENT),
    ("GFDL", "GFDL"), ("GNU Free Documentation License", "GFDL"), ("GFDL 1.2", "GFDL 1.2"),
    ("gfdl-1.3 or later", "GFDL 1.3"),
    ("FAL", "Free Art License"), ("Attribution", "Attribution"), ("Copyrighted free use", "Copyrighted free use"),
    ("No restrictions", NOTHING_KNOWN), ("No known copyright restrictions", NOTHING_KNOWN),
    ("All Rights Reserved", RESERVED), ("© 2019 Jane Doe. All rights reserved.", RESERVED), ("In Copyright", RESERVED),
    ("", UNKNOWN_LICENCE), ("  \n", UNKNOWN_LICENCE), ("Unknown", UNKNOWN_LICENCE), ("n/a", UNKNOWN_LICENCE),
    ("https://creativecommons.org/licenses/by-sa/3.0/de/deed.de", "CC BY-SA 3.0 DE"),
    ("//creativecommons.org/publicdomain/zero/1.0/", "CC0 1.0"), ("https://example.org/terms", None),
    ("0", None), ("zero", None), ("KOGL Type 1", None), ("not CC BY 4.0", None), ("CC BY 4.0 or nothing", None),
    ("This is not in the public domain", None), ("no", None), ("by", "CC BY"), ("nc", None), ("sa 1.0", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "known"), WRITTEN)
def test_a_licence_has_one_name_however_it_is_written(text, known):
    assert plain(text) == (text if known is None else known)
    assert plain(f"  {text.upper()} ") == (text.upper() if known is None else plain(text))


@given(st.text(max_size=300))
def test_a_name_is_never_blank_and_stays_what_it_is(text):
    known = plain(text)
    assert known.strip()
    assert len(known) <= 100
    assert plain(known) == known


@pytest.mark.parametrize("known", sorted({k for _, k in WRITTEN if k} | {"CC Sampling+ 1.0", RESERVED}))
def test_names_are_their_own_names(known):
    assert plain(known) == known


@pytest.mark.parametrize(("url", "known"), [
    ("https://creativecommons.org/licenses/by-sa/4.0/", "CC BY-SA 4.0"),
    ("creativecommons.org/licenses/by/2.0", "CC BY 2.0"),
    ("http://creativecommons.org/licenses/by-nc/3.0/us/", "CC BY-NC 3.0 US"),
    ("https://creativecommons.org/licenses/by/2.0/deed.de", "CC BY 2.0"),
    ("https://creativecommons.org/licenses/by/3.0/igo/legalcode", "CC BY 3.0 IGO"),
    ("https://creativecommons.org/licenses/by/4.0/de", "CC BY 4.0"),
    ("https://creativecommons.org/licenses/by/", "CC BY"),
    ("https://creativecommons.org/publicdomain/mark/1.0/", "Public Domain Mark 1.0"),
    ("https://example.org/by/4.0", UNKNOWN_LICENCE),
    ("", UNKNOWN_LICENCE),
])  # fmt: skip
def test_an_address_of_creative_commons_is_a_licence(url, known):
    assert of_url(url) == known


@pytest.mark.parametrize(("known", "url"), [
    ("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/"),
    ("CC BY-NC-ND 2.0", "https://creativecommons.org/licenses/by-nc-nd/2.0/"),
    ("CC BY-SA 3.0 DE", "https://creativecommons.org/licenses/by-sa/3.0/de/"),
    ("CC0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    ("GFDL 1.2", "https://www.gnu.org/licenses/old-licenses/fdl-1.2.html"),
    ("Public Domain Mark 1.0", "https://creativecommons.org/publicdomain/mark/1.0/"),
    ("CC BY-SA", ""), ("Public domain", ""), (RESERVED, ""), (UNKNOWN_LICENCE, ""), ("KOGL Type 1", ""), ("", ""),
])  # fmt: skip
def test_a_well_known_licence_has_an_address(known, url):
    assert url_of(known) == url


@pytest.mark.parametrize(
    "known", ["CC BY 1.0", "CC BY-SA 2.5", "CC BY-NC 3.0 US", "CC BY-ND 4.0", "CC0 1.0", "Public Domain Mark 1.0"]
)
def test_an_address_leads_back_to_its_name(known):
    assert of_url(url_of(known)) == known


PASSES = {
    "unknown": "", "": "", "All rights reserved": "known", "No known copyright restrictions": "known", "GFDL": "known",
    "Attribution": "known", "Copyrighted free use": "known", "CC SA 1.0": "known", "CC Sampling+ 1.0": "known",
    "CC BY or something": "known", "Public domain, perhaps": "known", "CC BY-NC-ND 4.0": "known open",
    "CC BY-NC-SA 2.0": "known open", "CC BY-NC 3.0 US": "known open", "CC BY-ND 4.0": "known open commercial",
    "CC BY 4.0": "known open commercial alterable", "CC BY-SA 3.0 DE": "known open commercial alterable",
    "cc-by-sa-4.0": "known open commercial alterable", "CC BY": "known open commercial alterable",
    "CC0 1.0": "known open commercial alterable public", "CC0": "known open commercial alterable public",
    "Public domain": "known open commercial alterable public", "PD-old": "known open commercial alterable public",
    "Public Domain Mark 1.0": "known open commercial alterable public",
    US_GOVERNMENT: "known open commercial alterable public",
}  # fmt: skip


@pytest.mark.parametrize(("licence", "filters"), PASSES.items())
def test_a_licence_passes_the_filters_that_it_allows(licence, filters):
    assert [wanted for wanted in FILTERS if allowed(licence, wanted)] == filters.split()
    assert allowed(licence, "")


@given(st.sampled_from([*PASSES, *(text for text, _ in WRITTEN)]))
def test_each_filter_is_narrower_than_the_one_before(licence):
    passed = [allowed(licence, wanted) for wanted in ("", *FILTERS)]
    assert passed == sorted(passed, reverse=True)
