"""A small vehicle set, drawn when asked for, and a local Openverse that serves it: all of Winnow with no network.

draw.py     which items there are, the truth about each, and their bytes
shapes.py   lines, colours and the camera
cars.py     four kinds of bodies, in metres
coach.py    paints a body on a canvas
wheels.py   wheels, cargo and the things people put on cars
scenes.py   where it stands, and in what light
junk.py     interiors, posters and blueprints: what a search brings beside what was asked for
serve.py    the server, in a child process that ends with its parent
"""
