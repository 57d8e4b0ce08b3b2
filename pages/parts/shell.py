"""The script Streamlit runs, on every page: page configuration, gate, sidebar, then the page itself.

With `?view=demo` there is no sidebar, and every address shows Predict: a view for showing, which hides and does not protect.
"""

from __future__ import annotations

import streamlit as st

from core.errors import WinnowError
from pages.parts import house

# Static: widths and spacing only. The review grid wants the whole window, everything else reads better narrower.
STYLE = """<style>
.stMainBlockContainer { max-width: %s; margin-inline: auto; }
.stMainBlockContainer h1 { padding-bottom: 0.25rem; }
.stSidebar [data-testid="stPageLink"] p { font-size: 0.95rem; }
@media (max-width: 640px) { /* on a phone the work begins on the first screen */
  .stMainBlockContainer { padding-top: 3.5rem; }
  .st-key-next { row-gap: 0.25rem; }
  .st-key-review_filters { flex-wrap: nowrap; overflow-x: auto; padding-bottom: 0.25rem; position: relative; }
  .st-key-review_filters > * { flex: none; }
}
/* what is open keeps the text's colour: Streamlit's own is hardly to be read on a dark page */
[data-testid="stPopoverButton"][kind="tertiary"][aria-expanded="true"] { color: inherit; }
</style>"""


def shell() -> None:
    pages = {
        name: st.Page(house.script(name), title=screen.title, url_path=name, default=name == "project")
        for name, screen in house.SCREENS.items()
    }
    page = st.navigation(list(pages.values()), position="hidden")
    here = page.url_path or "project"
    alone = house.alone()
    st.set_page_config(page_title="Winnow" if alone else f"{page.title} · Winnow", page_icon="🌾", layout="wide")
    st.html(STYLE % ("none" if here == "review" else "56rem" if alone else "72rem"))
    try:
        house.gate()
        if not alone:
            sidebar(here)
        elif here != "predict":
            st.switch_page(house.script("predict"), query_params=house.query())
        page.run()
    except WinnowError as error:
        st.error(house.text(error))


def sidebar(here: str) -> None:
    with st.sidebar:
        st.markdown("### :primary[:material/grass:] Winnow")
        names = [project.name for project in house.store().projects()]
        if names:
            choose(names)
        under_way = len(house.store().busy())
        group = ""
        for name, screen in house.SCREENS.items():
            if screen.group != group:
                group = screen.group
                st.caption(group)
            label = f"{screen.title} ({under_way})" if name == "jobs" and under_way else screen.title
            st.page_link(house.script(name), label=label, icon=screen.icon, query_params=house.query(), width="stretch")


def choose(names: list[str]) -> None:
    """The project selector; what is chosen goes into the URL."""
    current = st.query_params.get("project", "")
    index = names.index(current) if current in names else (len(names) - 1 if not current else None)
    chosen = st.selectbox("Project", names, index, placeholder="choose a project")
    if chosen and chosen != current:
        if not current:  # nothing was chosen yet: what the page itself keeps in the URL stays
            st.query_params["project"] = chosen
            return
        st.query_params.from_dict({"project": chosen})
        st.rerun()


shell()
