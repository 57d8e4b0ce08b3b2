"""The command line: each verb is a page's twin. With core/__main__.py, the only place in core that knows db.

parser.py   every verb with its arguments: the table of contents
scrape.py   scrape, with its many sources
project.py  project: written classes, class files, the car catalogue
data.py     clean, findings, review, split
models.py   train, recipes, runs, evaluate, explain, predict
jobs.py     jobs, run, stop, again, worker, demo, doctor
submit.py   the store opened, a job queued and waited for, its progress on stderr

A verb takes the parsed arguments and returns its result, the JSON that `core.__main__` prints; None prints nothing.
What is wrong it raises as a core.errors.WinnowError.
"""
