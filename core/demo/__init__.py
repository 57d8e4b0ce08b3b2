"""A small vehicle set, drawn when asked for, and a local Openverse that serves it: all of Winnow with no network.

draw.py     which items there are, the truth about each, and their bytes
shapes.py   lines, colours and the camera
cars.py     four kinds of bodies, in metres
coach.py    paints a body on a canvas
ends.py     its nose, its tail and the lamps
sides.py    its windows, doors and mirrors
wheels.py   wheels, and the plastic round them
extras.py   cargo, roof boxes, stripes, a driver
scenes.py   hours of the day, the sky, the road; what the camera adds
places.py   where it stands: a country road, a city, a studio, ...
junk.py     interiors, posters and blueprints: what a search brings beside what was asked for
serve.py    the server, in a child process that ends with its parent
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.model import Project
    from db.store import Store

NAME = "demo"  # of its project


def project(store: Store) -> Project:
    """The demo's project, made where it is not there yet."""
    from core.demo.draw import CLASSES

    for project in store.projects():
        if project.name == NAME:
            return project
    return store.add_project(NAME, CLASSES)
