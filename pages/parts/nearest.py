"""The training pictures most like a picture: evidence for an answer, with class, licence and source."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.credits.attribution import licence
from core.errors import WinnowError
from core.model import UNKNOWN_LICENCE, Box, Project, Run
from core.runs import names
from pages.parts import causes, house, models

COUNT = 8


def show(project: Project, runs: list[Run], data: bytes, box: Box | None, key: str) -> None:
    """Those that one of the runs finds most like the picture in `data` (the bytes of an image file), the most alike first."""
    from core import neighbours
    from core.causes import near
    from core.pixels import squares

    called = dict(zip(names(runs), runs, strict=True))
    best = max(called, key=lambda name: called[name].result.get("val_accuracy", 0.0))
    name = best if len(called) == 1 else st.selectbox(
        "As which model sees them", list(called), list(called).index(best), key=f"near-{key}")  # fmt: skip
    run = called[name]
    try:
        [model] = models.load([run]).values()
        of = models.neighbours(run)
        if of is None:
            st.info(f"What {house.text(name, 60)} sees of its training pictures is not kept yet: evaluate it once.")
            house.link("evaluate", "Go to Evaluate")
            return
        [square] = squares(data, [model.size], box)
    except WinnowError as error:
        st.error(house.text(error))
        return
    [found] = near(of, model.classes, neighbours.vectors(model, np.array(square)[None]), COUNT)
    records = {record.id: record for record in house.store().images_by_id(project.id, [one.image for one in found])}
    cells = []
    for one in found:
        if one.image not in records:
            continue
        origin = house.store().origins(one.image)[0].candidate
        stated = licence(origin.licence)
        by = f", by {origin.creator}" if origin.creator else ""
        title = f"{one.label}, likeness {one.likeness:.2f}; licence {stated}{by}; source {origin.source}"
        cells.append(
            causes.figure(
                records[one.image], one.label, title, below=stated if stated != UNKNOWN_LICENCE else "licence unknown"
            )
        )
    st.html(f'{causes.STYLE}<div class="cause"><div class="near">{"".join(cells)}</div></div>')
    st.caption(
        f"How to read it: the training pictures that {house.text(name, 60)} finds most like this one, the most alike first, with the "
        "class under which it learned them and their licence. If they look nothing like it, do not trust the answer."
    )
