"""Everything of Winnow, without a screen and without SQL. Read in this order:

model.py     the nouns
steps.py     the whole program on one page: store -> verb -> store
<verb>.py    scrape, clean, review, split, train, evaluate, explain, predict: one file each
jobs/        a job is a row: claim, lease, fence, run
runs.py      trained runs: where they lie, which are meant, how they are loaded
engine/      where work happens
pixels.py    bytes -> image -> crop -> tensor
web/         the only door to the network
cli/         the command line: python -m core VERB ...; the only room here that knows db, with __main__.py, its door
"""
